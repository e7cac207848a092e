#include "eval/haystack.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>
#include <utility>

#include "eval/fail.h"

namespace pith::eval {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // Asks the file whether it is empty, since an empty file sets the fail bit of the stream that it is written to.
  if (file.is_open() && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) fail(ErrorKind::kIo, "{}: cannot read", path.string());
  return std::move(text).str();
}

std::vector<fs::path> text_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".txt" && it->is_regular_file(error)) files.push_back(it->path());
  }
  if (error) fail(ErrorKind::kIo, "{}: cannot read: {}", folder.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::string with_passkey(std::string text, std::string_view passkey) {
  constexpr std::string_view kPlace = "{}";
  std::size_t at = text.find(kPlace);
  if (at == std::string::npos) {
    fail(ErrorKind::kInvalidArgument, "the needle '{}' has no {{}} for the passkey", text);
  }
  for (; at != std::string::npos; at = text.find(kPlace, at + passkey.size())) {
    text.replace(at, kPlace.size(), passkey);
  }
  return text;
}

void append(std::vector<Token>& tokens, std::span<const Token> more) {
  tokens.insert(tokens.end(), more.begin(), more.end());
}

}  // namespace

std::string read_haystack(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return read_file(path);
  std::string text;
  const std::vector<fs::path> files = text_files(path);
  if (files.empty()) fail(ErrorKind::kInvalidArgument, "{}: no .txt files in it", path.string());
  for (const fs::path& file : files) {
    text += read_file(file);
    if (!text.empty() && text.back() != '\n') text += '\n';
  }
  return text;
}

std::string draw_passkey(std::uint64_t seed, std::size_t number) {
  constexpr std::uint64_t kLeast = 10000;
  constexpr std::uint64_t kCount = 90000;
  // The standard fixes the numbers of this generator, but not those of its distributions.
  std::mt19937_64 random(seed);
  random.discard(number);
  return std::to_string(kLeast + random() % kCount);
}

Haystack::Haystack(const Tokenizer& tokenizer, std::string_view text, NeedleText needle)
    : tokenizer_(&tokenizer),
      needle_(std::move(needle)),
      tokens_(tokenizer.encode(text, {.add_special = false, .parse_special = false})) {}

std::vector<Token> Haystack::continuation(std::string_view text) const {
  const EncodeOptions plain{.add_special = false, .parse_special = false};
  // SentencePiece puts a space before a text, which would be one too many here.
  const std::vector<Token> probe = tokenizer_->encode("a", plain);
  const bool adds_space = !probe.empty() && tokenizer_->piece(probe.front()).starts_with(' ');
  if (adds_space && text.starts_with(' ')) text.remove_prefix(1);
  return tokenizer_->encode(text, plain);
}

void Haystack::ask(std::string_view passkey, std::vector<Token>& question, std::vector<Token>& answer) const {
  const std::vector<Token> joint = continuation(fmt::format("{} {}", needle_.question, passkey));
  // A space that is a token of its own belongs to the question, so that the answer begins with its first digit's token.
  std::size_t bytes = 0;
  std::size_t first = joint.size();
  while (first > 0 && bytes < passkey.size()) bytes += tokenizer_->piece(joint[--first]).size();
  const auto middle = joint.begin() + static_cast<std::ptrdiff_t>(first);
  question.assign(joint.begin(), middle);
  answer.assign(middle, joint.end());
}

bool Haystack::ends_sentence(Token token) const {
  const std::string piece = tokenizer_->piece(token);
  constexpr std::array<std::string_view, 5> kEnds = {".", "\n", "!", "?", "\xE3\x80\x82"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) { return piece.ends_with(end); });
}

std::size_t Haystack::place(std::size_t size, double depth) const {
  // A text may have no sentence ends nearby; then the depth takes precedence.
  const std::size_t reach = std::max<std::size_t>(64, size / 20);
  const auto target = static_cast<std::size_t>(std::llround(static_cast<double>(size) * depth / 100));
  const auto fits = [&](std::size_t at) { return at == 0 || at == size || ends_sentence(tokens_[at - 1]); };
  for (std::size_t distance = 0; distance <= reach; ++distance) {
    if (target >= distance && fits(target - distance)) return target - distance;
    if (target + distance <= size && fits(target + distance)) return target + distance;
  }
  return target;
}

NeedlePrompt Haystack::prompt(std::string_view passkey, std::size_t length, double depth) const {
  if (!(depth >= 0 && depth <= 100)) {
    fail(ErrorKind::kInvalidArgument, "depth is {} %, must be in [0, 100]", depth);
  }
  if (passkey.empty()) fail(ErrorKind::kInvalidArgument, "the passkey is empty");
  NeedlePrompt prompt;
  const std::vector<Token> needle = continuation(with_passkey(needle_.needle, passkey));
  std::vector<Token> question;
  ask(passkey, question, prompt.answer);
  const std::vector<Token> empty = tokenizer_->encode("");
  if (!empty.empty() && empty.front() == tokenizer_->bos()) prompt.tokens.push_back(tokenizer_->bos());

  const std::size_t fixed = prompt.tokens.size() + needle.size() + question.size() + prompt.answer.size();
  if (length < fixed) {
    fail(ErrorKind::kInvalidArgument, "length {}: needle, question and answer alone take {} tokens", length, fixed);
  }
  const std::size_t size = length - fixed;
  if (size > tokens_.size()) {
    fail(ErrorKind::kInvalidArgument, "haystack: {} tokens, but length {} needs {} of them", tokens_.size(), length,
         size);
  }
  const std::size_t at = place(size, depth);
  const std::span<const Token> text = std::span(tokens_).first(size);
  prompt.tokens.reserve(length);
  append(prompt.tokens, text.first(at));
  prompt.needle_at = prompt.tokens.size();
  prompt.depth = size == 0 ? depth : 100 * static_cast<double>(at) / static_cast<double>(size);
  append(prompt.tokens, needle);
  append(prompt.tokens, text.subspan(at));
  prompt.question_at = prompt.tokens.size();
  append(prompt.tokens, question);
  return prompt;
}

}  // namespace pith::eval
