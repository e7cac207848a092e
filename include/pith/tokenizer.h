#pragma once

#include <pith/export.h>
#include <pith/token.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tokenizer {
class Vocab;
class Encoder;
}  // namespace pith::tokenizer

namespace pith::inline v0_1 {

struct EncodeOptions {
  /// Add the tokens that the model wants at both ends (BOS, EOS), as its file says.
  bool add_special = true;
  /// Read special tokens written in the text as such; otherwise they are plain text. Leave it off for text of others.
  bool parse_special = true;
};

/// A stretch of a text whose parts have different authors.
struct TextPart {
  std::string_view text;
  /// Special tokens written here are read as such; otherwise they are plain text.
  bool parse_special = false;
};

/// Text to tokens and back. Immutable: every method may be called from several threads at once. BPE takes text as it
/// is, so decode(encode(text)) is the text again; the kinds t5 and bert normalize it as their models' own do.
class PITH_EXPORT Tokenizer {
 public:
  /// Reads the tokenizer of a GGUF file, whatever its architecture; the weights are not looked at and may be missing.
  /// Throws Error: kIo if the file cannot be read, kFormat if it is damaged, kUnsupported for an unknown tokenizer.
  static Tokenizer load(const std::filesystem::path& path);

  /// Internal: a model makes its tokenizer.
  Tokenizer(std::shared_ptr<const tokenizer::Vocab> vocab, std::shared_ptr<const tokenizer::Encoder> encoder);

  /// Invalid UTF-8 is accepted: each offending byte is taken as U+FFFD (by bert as nothing, by llama as a byte token).
  /// Throws Error(kInvalidArgument) for a text of 1 GiB or more.
  std::vector<Token> encode(std::string_view text, const EncodeOptions& options = {}) const;
  /// Encodes the parts as one text. A special token forms only inside a single part that allows it, and only if the
  /// options allow it too, so nothing that is written in another part can form one or take part in one. What is plain
  /// text is encoded across the borders of parts: parts without special tokens give the tokens of the whole text.
  /// Tokens that the file calls user-defined rather than control are plain text. Throws as above.
  std::vector<Token> encode(std::span<const TextPart> parts, const EncodeOptions& options = {}) const;

  /// The text of a sequence: the bytes of its tokens, but for the space that SentencePiece puts before a text. With
  /// `special`, special tokens appear as written in the vocabulary; otherwise as nothing. Throws
  /// Error(kInvalidArgument) if an id is outside the vocabulary.
  std::string decode(std::span<const Token> tokens, bool special = false) const;

  /// The bytes of one token, which may be part of a UTF-8 character. Throws as decode() does.
  std::string piece(Token token, bool special = false) const;

  int vocab_size() const noexcept;
  /// -1 where the model has none.
  Token bos() const noexcept;
  Token eos() const noexcept;
  /// EOS, and whatever else ends a turn (<|im_end|>, <|eot_id|>, <end_of_turn>, …).
  bool is_end_of_generation(Token token) const noexcept;
  /// Has no text of its own: a control token (BOS, <|im_start|>) or the unknown token.
  bool is_special(Token token) const noexcept;
  /// The id of a token written exactly so in the vocabulary (of equals, the last); -1 if there is none.
  Token find(std::string_view text) const noexcept;

 private:
  friend class StreamDecoder;
  /// The bytes of a token inside a text; `at_start` until the text has begun.
  std::string continued(Token token, bool special, bool& at_start) const;

  std::shared_ptr<const tokenizer::Vocab> vocab_;
  std::shared_ptr<const tokenizer::Encoder> encoder_;
};

/// Turns a stream of tokens into a stream of whole UTF-8 characters: bytes of an unfinished character are held back.
/// Not thread-safe; the tokenizer must outlive it.
class PITH_EXPORT StreamDecoder {
 public:
  /// `at_start`: the stream begins a text, so the space that SentencePiece puts there is dropped, as by decode(). False
  /// for a stream that goes on from a prompt.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool special = false, bool at_start = true);

  /// The characters that became whole with this token; may be empty. Bytes that can never become a character come out
  /// as U+FFFD.
  std::string push(Token token);
  /// What is held back, as U+FFFD if it is an unfinished character; empty otherwise.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool special_;
  bool at_start_;
  std::string held_;
};

}  // namespace pith::inline v0_1
