#include "tools/interrupt.h"

#include <pthread.h>

#include <csignal>

namespace pith::tools {
namespace {

sigset_t only_interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  return signals;
}

bool is_ignored() {
  struct sigaction action = {};
  return ::sigaction(SIGINT, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// As if nobody had ever looked at the signal.
void end_by_interrupt() {
  std::signal(SIGINT, SIG_DFL);
  const sigset_t signals = only_interrupt();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  std::raise(SIGINT);
}

}  // namespace

Interrupt::Interrupt() : ignored_(is_ignored()) {
  if (ignored_) return;
  const sigset_t signals = only_interrupt();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  if (ignored_) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  pthread_kill(watcher_.native_handle(), SIGINT);
  watcher_.join();
  const sigset_t signals = only_interrupt();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

std::stop_token Interrupt::arm() {
  const std::lock_guard lock(mutex_);
  return source_.emplace().get_token();
}

void Interrupt::disarm() {
  const std::lock_guard lock(mutex_);
  source_.reset();
}

void Interrupt::watch() {
  const sigset_t signals = only_interrupt();
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    if (!request_stop()) end_by_interrupt();
  }
}

bool Interrupt::request_stop() {
  const std::lock_guard lock(mutex_);
  return source_ && source_->request_stop();
}

}  // namespace pith::tools
