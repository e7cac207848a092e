#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace pith::test {

/// A program of its own: standard input from a text, output and errors to files that can be read while it runs.
class Process {
 public:
  struct Options {
    std::string input{};
    /// Standard input stays open, so that the program waits for more.
    bool keeps_input_open = false;
    /// Where standard output goes instead.
    const char* output_path = nullptr;
  };

  Process(const std::vector<std::string>& command, const Options& options) {
    write_input(options);
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, options.keeps_input_open ? pipe_[0] : ::fileno(input_.get()),
                                     STDIN_FILENO);
    if (pipe_[1] >= 0) posix_spawn_file_actions_addclose(&actions, pipe_[1]);
    if (options.output_path == nullptr) {
      posix_spawn_file_actions_adddup2(&actions, ::fileno(output_.get()), STDOUT_FILENO);
    } else {
      posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, options.output_path, O_WRONLY, 0);
    }
    posix_spawn_file_actions_adddup2(&actions, ::fileno(errors_.get()), STDERR_FILENO);
    const int result = ::posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (result != 0) throw std::runtime_error("cannot start " + command[0]);
  }
  ~Process() {
    if (pid_ > 0) {
      kill(SIGKILL);
      wait();
    }
    for (const int end : pipe_) {
      if (end >= 0) ::close(end);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  std::string output() const { return read(output_.get()); }
  std::string errors() const { return read(errors_.get()); }

  void kill(int signal) const { ::kill(pid_, signal); }

  /// Its exit status, or minus the signal that ended it.
  int wait() {
    int status = 0;
    rusage usage{};
    while (::wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) continue;
    pid_ = -1;
    peak_bytes_ = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  /// The most memory that was resident at once, after wait().
  std::uint64_t peak_bytes() const { return peak_bytes_; }

  /// Waits until it has written something to standard output (or errors), or half a minute.
  bool has_begun(bool errors = false) const {
    for (int i = 0; i < 3000; ++i) {
      if (!(errors ? this->errors() : output()).empty()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  void write_input(const Options& options) {
    std::fwrite(options.input.data(), 1, options.input.size(), input_.get());
    std::fflush(input_.get());
    std::rewind(input_.get());
    if (!options.keeps_input_open) return;
    if (::pipe(pipe_.data()) != 0) throw std::runtime_error("no pipe");
    if (::write(pipe_[1], options.input.data(), options.input.size()) != static_cast<ssize_t>(options.input.size())) {
      throw std::runtime_error("the pipe is full");
    }
  }

  /// From the beginning, without moving the position that the program writes at.
  static std::string read(std::FILE* file) {
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
      const ssize_t size = ::pread(::fileno(file), buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
      if (size <= 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }

  File input_{std::tmpfile()};
  File output_{std::tmpfile()};
  File errors_{std::tmpfile()};
  std::array<int, 2> pipe_{-1, -1};
  pid_t pid_ = -1;
  std::uint64_t peak_bytes_ = 0;
};

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
  std::uint64_t peak_bytes = 0;
};

inline Outcome run_process(const std::vector<std::string>& command, const Process::Options& options = {}) {
  Process process(command, options);
  const int status = process.wait();
  return {status, process.output(), process.errors(), process.peak_bytes()};
}

}  // namespace pith::test
