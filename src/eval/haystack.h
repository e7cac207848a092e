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

/// A file's text, or that of all files of a folder whose names end in ".txt", in the order of their names, one after
/// another. Throws Error(kIo) if it cannot be read, kInvalidArgument for a folder without such files.
std::string read_haystack(const std::filesystem::path& path);

/// Five digits, the first not 0: of a seed and a number the same on every platform.
std::string draw_passkey(std::uint64_t seed, std::size_t number);

/// What is hidden, and what is asked for.
struct NeedleText {
  /// Every "{}" stands for the passkey.
  std::string needle = " The pass key is {}. Remember it: {} is the pass key.";
  /// The passkey is the answer, after a space.
  std::string question = "\n\nWhat is the pass key? The pass key is";
};

/// Text with a needle in it, up to the answer.
struct NeedlePrompt {
  std::vector<Token> tokens;
  /// What the model should say next.
  std::vector<Token> answer;
  /// Where in `tokens` the needle begins.
  std::size_t needle_at = 0;
  /// Where in `tokens` the question begins.
  std::size_t question_at = 0;
  /// Of the text around the needle, how much comes before it, in per cent.
  double depth = 0;
};

/// A long text of no concern, to hide needles in. Immutable; the tokenizer must outlive it.
class Haystack {
 public:
  Haystack(const Tokenizer& tokenizer, std::string_view text, NeedleText needle = {});

  /// A prompt that has exactly `length` tokens with its answer: BOS if the model wants it, the beginning of the text
  /// with the needle in it, the question. `depth`, in per cent, says how much of the text comes before the needle; the
  /// needle moves to the nearest end of a sentence if there is one near, so 0 and 100 are the two ends. Throws
  /// Error(kInvalidArgument) for a depth that is no percentage, a length that has no room for needle and question, a
  /// text that is too short for it, an empty passkey, a needle without "{}".
  NeedlePrompt prompt(std::string_view passkey, std::size_t length, double depth) const;

  /// The text's tokens.
  std::span<const Token> tokens() const noexcept { return tokens_; }

 private:
  /// The tokens of a text that comes after another.
  std::vector<Token> continuation(std::string_view text) const;
  /// Sets question and answer: where one ends and the other begins is for the tokenizer to say.
  void ask(std::string_view passkey, std::vector<Token>& question, std::vector<Token>& answer) const;
  bool ends_sentence(Token token) const;
  /// Where, in the text's first `size` tokens, a needle goes.
  std::size_t place(std::size_t size, double depth) const;

  const Tokenizer* tokenizer_;
  NeedleText needle_;
  std::vector<Token> tokens_;
};

}  // namespace pith::eval
