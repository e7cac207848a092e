#pragma once

#include <string_view>

namespace pith::tools {

/// Whether somebody watches standard error.
bool stderr_is_terminal() noexcept;

/// A line on standard error that is written over and over and vanishes at the end; nothing if standard error is not a
/// terminal.
class ProgressLine {
 public:
  ProgressLine() = default;
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(std::string_view text);
  void clear();

 private:
  bool shown_ = false;
};

}  // namespace pith::tools
