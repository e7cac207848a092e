#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace pith::tools {

/// Turns Ctrl-C (SIGINT) into a stop request while something can be stopped; at other times, and the second time, it
/// ends the program as it always does. Make it before any other thread, because threads inherit that they do not get
/// the signal. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// From now until disarm(), SIGINT requests a stop of the token.
  std::stop_token arm();
  void disarm();

 private:
  void watch();
  /// False if there is nothing to stop.
  bool request_stop();

  /// SIGINT was ignored from the start (as in a shell's background job), and stays so.
  bool ignored_;
  bool ending_ = false;
  std::optional<std::stop_source> source_;
  std::mutex mutex_;
  std::thread watcher_;
};

}  // namespace pith::tools
