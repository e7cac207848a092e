#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pith::session {

/// Looks for stop strings in a text that comes in pieces, and holds back what may be the beginning of one. What comes
/// out does not depend on how the text was cut. Of several stop strings, the one that is complete first counts; of
/// those that end together, the longest. Not thread-safe.
class StopStrings {
 public:
  /// Throws Error(kInvalidArgument) for a stop string that is empty or not UTF-8.
  explicit StopStrings(std::vector<std::string> strings);

  /// The next piece; returns what can be handed out by now. After a stop, nothing any more.
  std::string push(std::string_view piece);
  /// The text has ended: what was held back; nothing after a stop.
  std::string finish();

  bool stopped() const noexcept { return stopped_; }

 private:
  /// How many bytes at the end of held_ may be the beginning of a stop string.
  std::size_t suspicious() const noexcept;

  std::vector<std::string> strings_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace pith::session
