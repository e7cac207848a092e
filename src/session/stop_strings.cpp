#include "session/stop_strings.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "tokenizer/utf8.h"

namespace pith::session {

StopStrings::StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
  for (std::size_t i = 0; i < strings_.size(); ++i) {
    if (strings_[i].empty()) fail(ErrorKind::kInvalidArgument, "stop string {} is empty", i + 1);
    if (!tokenizer::is_valid_utf8(strings_[i])) {
      fail(ErrorKind::kInvalidArgument, "stop string {} is not UTF-8", i + 1);
    }
  }
}

std::string StopStrings::push(std::string_view piece) {
  if (stopped_) return {};
  held_ += piece;
  std::size_t begin = std::string::npos;
  std::size_t end = std::string::npos;
  for (const std::string& string : strings_) {
    const std::size_t at = held_.find(string);
    if (at == std::string::npos) continue;
    const std::size_t past = at + string.size();
    if (past < end || (past == end && at < begin)) {
      begin = at;
      end = past;
    }
  }
  stopped_ = end != std::string::npos;
  std::string safe = held_.substr(0, stopped_ ? begin : held_.size() - suspicious());
  held_.erase(0, stopped_ ? held_.size() : safe.size());
  return safe;
}

std::string StopStrings::finish() { return std::exchange(held_, {}); }

std::size_t StopStrings::suspicious() const noexcept {
  std::size_t longest = 0;
  const std::string_view held = held_;
  for (const std::string& string : strings_) {
    // A whole stop string would have been found.
    for (std::size_t size = std::min(held.size(), string.size() - 1); size > longest; --size) {
      if (std::string_view(string).starts_with(held.substr(held.size() - size))) longest = size;
    }
  }
  return longest;
}

}  // namespace pith::session
