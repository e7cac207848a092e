#pragma once

#include <pith/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::eval {

/// Returns a file's text, or the joined text of all files of a folder whose names end in ".txt", in the order of their
/// names. Throws Error: kIo if a file cannot be read, kInvalidArgument for a folder without such files.
std::string read_haystack(const std::filesystem::path& path);

/// Returns five digits, the first not 0, that depend on seed and number only and are the same on every platform.
std::string draw_passkey(std::uint64_t seed, std::size_t number);

/// The hidden sentence and the question about it.
struct NeedleText {
  /// Every "{}" is replaced by the passkey.
  std::string needle = " The pass key is {}. Remember it: {} is the pass key.";
  /// The answer is a space and the passkey.
  std::string question = "\n\nWhat is the pass key? The pass key is";
};

/// A text with a needle in it, up to the answer.
struct NeedlePrompt {
  std::vector<Token> tokens;
  /// The tokens that the model should generate next.
  std::vector<Token> answer;
  /// Index in `tokens` at which the needle begins.
  std::size_t needle_at = 0;
  /// Index in `tokens` at which the question begins.
  std::size_t question_at = 0;
  /// How much of the text lies before the needle, in per cent.
  double depth = 0;
};

/// A long unrelated text to hide needles in. Immutable; the tokenizer must outlive it.
class Haystack {
 public:
  Haystack(const Tokenizer& tokenizer, std::string_view text, NeedleText needle = {});

  /// Returns a prompt that has exactly `length` tokens including the answer: BOS if the model wants it, the beginning
  /// of the text with the needle in it, and the question. `depth` is how much of the text lies before the needle, in
  /// per cent. The needle moves to the nearest end of a sentence if there is one near; 0 and 100 are the two ends.
  /// Throws Error(kInvalidArgument) for a depth outside 0 to 100, a length without room for needle and question, a text
  /// that is too short for the length, an empty passkey, or a needle without "{}".
  NeedlePrompt prompt(std::string_view passkey, std::size_t length, double depth) const;

  /// The text's tokens.
  std::span<const Token> tokens() const noexcept { return tokens_; }

 private:
  /// Encodes a text that follows another.
  std::vector<Token> continuation(std::string_view text) const;
  /// Sets the tokens of question and answer. The tokenizer decides where one ends and the other begins.
  void ask(std::string_view passkey, std::vector<Token>& question, std::vector<Token>& answer) const;
  bool ends_sentence(Token token) const;
  /// Returns where a needle goes within the text's first `size` tokens.
  std::size_t place(std::size_t size, double depth) const;

  const Tokenizer* tokenizer_;
  NeedleText needle_;
  std::vector<Token> tokens_;
};

}  // namespace pith::eval
