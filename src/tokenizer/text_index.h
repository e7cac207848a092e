#pragma once

#include <pith/token.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tokenizer {

/// The texts of a vocabulary, by id and back. One block of characters and an open-addressing table of ids, since a map
/// of 262,144 strings would take several times the memory.
class TextIndex {
 public:
  explicit TextIndex(const std::vector<std::string_view>& texts);

  /// Returns false if texts were crafted to collide, so that probing past them all would take quadratic time; the index
  /// must not be used then. Ordinary vocabularies come nowhere near that.
  bool whole() const noexcept { return whole_; }

  std::string_view text(Token token) const noexcept {
    const auto i = static_cast<std::size_t>(token);
    return std::string_view(characters_).substr(starts_[i], starts_[i + 1] - starts_[i]);
  }
  /// Returns the id of a text, the last one among equal texts. Returns -1 for an unknown or empty text.
  Token find(std::string_view text) const noexcept;
  std::size_t size() const noexcept { return starts_.size() - 1; }
  /// Returns the length of the longest text in bytes.
  std::size_t longest() const noexcept { return longest_; }

 private:
  /// Returns the slot that holds the text or that it would go to; nullopt if that is beyond the longest probe allowed.
  std::optional<std::size_t> slot_of(std::string_view text) const noexcept;

  std::string characters_;
  std::vector<std::size_t> starts_;  // [size + 1], where each text begins, and the end of the last
  std::vector<Token> slots_;         // a power of two, -1: free
  std::size_t longest_ = 0;
  bool whole_ = true;
};

}  // namespace pith::tokenizer
