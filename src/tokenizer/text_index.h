#pragma once

#include <pith/options.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tokenizer {

/// The texts of a vocabulary, by id and back: one block of characters and an open-addressing table of ids, since a map
/// of 262,144 strings would take several times the memory.
class TextIndex {
 public:
  explicit TextIndex(const std::vector<std::string_view>& texts);

  /// False if texts were made to fall together in the table, so that looking at them all would take quadratic time:
  /// then the index is of no use. Texts that nobody chose for that do not come near it.
  bool whole() const noexcept { return whole_; }

  std::string_view text(Token token) const noexcept {
    const auto i = static_cast<std::size_t>(token);
    return std::string_view(characters_).substr(starts_[i], starts_[i + 1] - starts_[i]);
  }
  /// The id of a text; of equal texts, the last. -1 if there is none, and for the empty text.
  Token find(std::string_view text) const noexcept;
  std::size_t size() const noexcept { return starts_.size() - 1; }
  /// Bytes of the longest text.
  std::size_t longest() const noexcept { return longest_; }

 private:
  /// Where a text is or would be; nothing if it is further away than any may be.
  std::optional<std::size_t> slot_of(std::string_view text) const noexcept;

  std::string characters_;
  std::vector<std::size_t> starts_;  // [size + 1], where each text begins, and the end of the last
  std::vector<Token> slots_;         // a power of two, -1: free
  std::size_t longest_ = 0;
  bool whole_ = true;
};

}  // namespace pith::tokenizer
