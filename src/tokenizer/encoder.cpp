#include "tokenizer/encoder.h"

#include <algorithm>
#include <array>

#include "base/fail.h"

namespace pith::tokenizer {
namespace {

constexpr std::size_t kTextMax = std::size_t{1} << 30;
/// A vocabulary of a quarter million tokens that are all special has half of it; real ones have a hundredth.
constexpr std::size_t kSpecialBytesMax = std::size_t{4} << 20;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Phi-3's special tokens take the white space after them along, but for three. No GGUF field says so, so the model's
/// name must do, as in llama.cpp.
bool strips_right(const VocabSource& source, std::string_view token) {
  const std::string name = lower(source.name);
  if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) return false;
  constexpr std::array<std::string_view, 3> kExcept = {"<unk>", "<s>", "<|endoftext|>"};
  return std::find(kExcept.begin(), kExcept.end(), token) == kExcept.end();
}

/// So do the mask tokens of these on their left.
bool strips_left(const VocabSource& source, std::string_view token) {
  constexpr std::array<std::string_view, 3> kPre = {"jina-v2-de", "jina-v2-es", "jina-v2-code"};
  constexpr std::array<std::string_view, 2> kArchitectures = {"nomic-bert-moe", "jina-bert-v3"};
  const auto has = [](const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (token == "<mask>") return has(kPre, source.pre) || has(kArchitectures, source.architecture);
  return token == "[MASK]" && lower(source.name).find("modern-bert") != std::string::npos;
}

/// Throws for a text of 1 GiB or more.
std::string_view checked(std::string_view text) {
  if (text.size() >= kTextMax) {
    fail(ErrorKind::kInvalidArgument, "text to encode has {} bytes, the limit is {}", text.size(), kTextMax);
  }
  return text;
}

/// The parts' texts one after another, in `storage`.
std::string_view join(std::span<const TextPart> parts, std::string& storage) {
  for (const TextPart& part : parts) {
    storage.append(part.text);
    checked(storage);
  }
  return storage;
}

/// A control token inside a part that may form one.
struct Mark {
  SpecialHit hit;
  std::size_t part_begin = 0;
};

/// Both in one order. Where a user-defined token begins together with a mark, or reaches into one from an earlier part,
/// the mark stays: text beside a mark must not break it.
std::vector<SpecialHit> united(std::span<const Mark> marks, std::span<const SpecialHit> user_defined) {
  std::vector<SpecialHit> all;
  auto next = marks.begin();
  for (const SpecialHit& hit : user_defined) {
    for (; next != marks.end() && next->hit.at < hit.at; ++next) all.push_back(next->hit);
    const bool meets = next != marks.end() && hit.end() > next->hit.at;
    if (!meets || (hit.at != next->hit.at && hit.at >= next->part_begin)) all.push_back(hit);
  }
  for (; next != marks.end(); ++next) all.push_back(next->hit);
  return all;
}

}  // namespace

Encoder::Encoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source) : vocab_(std::move(vocab)) {
  std::vector<SpecialToken> user_defined;
  std::vector<SpecialToken> all;
  for (std::size_t i = 0; i < vocab_->size(); ++i) {
    const auto token = static_cast<Token>(i);
    const bool is_user_defined = vocab_->type(token) == TokenType::kUserDefined;
    if (!is_user_defined && !vocab_->is_special(token)) continue;
    const std::string_view text = vocab_->text(token);
    const SpecialToken special = {token, text, strips_left(source, text), strips_right(source, text)};
    if (is_user_defined) user_defined.push_back(special);
    all.push_back(special);
  }
  std::size_t bytes = 0;
  for (const SpecialToken& special : all) bytes += special.text.size();
  if (bytes > kSpecialBytesMax) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has {} special ones of {} bytes, at most {} bytes are allowed",
         source.file, all.size(), bytes, kSpecialBytesMax);
  }
  always_ = SpecialMatcher(std::move(user_defined));
  everything_ = SpecialMatcher(std::move(all));
}

std::vector<Token> Encoder::encode(std::span<const TextPart> parts, const EncodeOptions& options) const {
  std::string joined;
  const std::string_view text = parts.size() == 1 ? checked(parts.front().text) : join(parts, joined);
  std::vector<Token> tokens;
  if (options.add_special && vocab_->add_bos()) tokens.push_back(vocab_->bos());
  bool opens = true;
  for (const Fragment& fragment : cut(text, parts, options.parse_special)) {
    if (fragment.token >= 0) {
      tokens.push_back(fragment.token);
    } else {
      append_plain(fragment.text, opens, tokens);
    }
    opens = fragment.token >= 0;
  }
  if (options.add_special && vocab_->last() >= 0) tokens.push_back(vocab_->last());
  return tokens;
}

std::vector<Fragment> Encoder::cut(std::string_view text, std::span<const TextPart> parts, bool parse_special) const {
  const auto parses = [&](const TextPart& part) { return parse_special && part.parse_special; };
  if (std::none_of(parts.begin(), parts.end(), parses)) return always_.cut(text);
  if (parts.size() == 1) return everything_.cut(text);
  std::vector<Mark> marks;
  std::size_t begin = 0;
  for (const TextPart& part : parts) {
    if (parses(part)) {
      for (const SpecialHit& hit : everything_.find(part.text)) {
        if (vocab_->is_special(hit.token->token)) marks.push_back({{begin + hit.at, hit.token}, begin});
      }
    }
    begin += part.text.size();
  }
  return cut_at(text, united(marks, always_.find(text)));
}

}  // namespace pith::tokenizer
