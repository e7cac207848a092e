#include "tokenizer/unigram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/fail.h"
#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

constexpr std::size_t kNormalizedMax = std::size_t{1} << 30;
/// By how much an unknown character scores lower than the token with the lowest score, as in SentencePiece.
constexpr float kUnknownPenalty = 10;

/// The best way to a place in the text: its score, and the last token and where that begins.
struct Way {
  double score = -std::numeric_limits<double>::infinity();
  Token token = -1;
  std::uint32_t begin = 0;

  void improve(double other_score, Token other_token, std::size_t other_begin) noexcept {
    if (other_score > score) *this = {other_score, other_token, static_cast<std::uint32_t>(other_begin)};
  }
};

/// Returns the size of the character that a byte begins. Replacements of a charsmap need not be UTF-8.
std::size_t stated_size(char first, std::size_t left) noexcept {
  const auto byte = static_cast<std::uint8_t>(first);
  const std::size_t stated = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  return std::min(stated, left);
}

/// Appends characters with spaces as the vocabulary wants them.
class SpaceWriter {
 public:
  SpaceWriter(bool prefix, bool merge, std::string& out) : prefix_(prefix), merge_(merge), out_(&out) {}

  void append(std::string_view text) {
    for (const char c : text) {
      if (c == ' ') {
        if (!merge_) out_->append(kSpaceMark);
        in_word_ = false;
        continue;
      }
      if (!in_word_ && (prefix_ || merge_)) {
        out_->append(kSpaceMark);
        prefix_ = false;
      }
      in_word_ = true;
      out_->push_back(c);
    }
  }

 private:
  bool prefix_;  // before the first word, whatever spaces are there
  bool merge_;   // one before each word, and no others
  bool in_word_ = false;
  std::string* out_;
};

}  // namespace

UnigramEncoder::UnigramEncoder(std::shared_ptr<const Vocab> tokens, const VocabSource& source)
    : Encoder(std::move(tokens), source), charsmap_(source.file, source.precompiled_charsmap) {
  if (source.scores.empty()) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.scores is missing or empty", source.file);
  if (vocab().unknown() < 0) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has no unknown token", source.file);
  float lowest = std::numeric_limits<float>::max();
  scores_.resize(vocab().size());
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    const auto token = static_cast<Token>(i);
    const float score = vocab().score(token);
    if (!std::isfinite(score)) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.scores[{}] is infinite", source.file, i);
    // User-defined tokens are taken before all others.
    scores_[i] = vocab().type(token) == TokenType::kUserDefined ? 0.0 : static_cast<double>(score);
    if (vocab().type(token) == TokenType::kNormal) lowest = std::min(lowest, score);
  }
  unknown_score_ = static_cast<double>(lowest - kUnknownPenalty);
  constexpr std::array<TokenType, 3> kTypes = {TokenType::kNormal, TokenType::kUserDefined, TokenType::kUnused};
  trie_ = make_trie(vocab(), source, kTypes);
}

std::string UnigramEncoder::normalized(std::string_view text) const {
  std::string out;
  out.reserve(text.size() + text.size() / 4 + kSpaceMark.size());
  SpaceWriter writer(vocab().add_space_prefix(), vocab().remove_extra_whitespaces(), out);
  for (std::size_t at = 0; at < text.size();) {
    if (const Charsmap::Hit hit = charsmap_.find(text, at); hit.size > 0) {
      writer.append(hit.replacement);
      at += hit.size;
    } else if (const Utf8Scan scan = scan_utf8(text, at); scan.state == Utf8Scan::State::kWhole) {
      writer.append(text.substr(at, scan.size));
      at += scan.size;
    } else {
      writer.append(kReplacement);
      ++at;
    }
    if (out.size() >= kNormalizedMax) {
      fail(ErrorKind::kInvalidArgument, "text to encode has {} bytes once normalized, the limit is {}", out.size(),
           kNormalizedMax);
    }
  }
  return out;
}

void UnigramEncoder::append_plain(std::string_view plain, bool /*opens*/, std::vector<Token>& out) const {
  const std::string text = normalized(plain);
  if (text.empty()) return;
  const Token unknown = vocab().unknown();
  std::vector<Way> ways(text.size() + 1);
  ways[0].score = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const double score = ways[begin].score;
    const std::size_t character_end = begin + stated_size(text[begin], text.size() - begin);
    bool character_has_token = false;
    TokenTrie::Node node = TokenTrie::kRoot;
    for (std::size_t at = begin; at < text.size();) {
      node = trie_.next(node, static_cast<std::uint8_t>(text[at++]));
      if (node == TokenTrie::kRoot) break;
      const Token token = trie_.token(node);
      if (token < 0) continue;
      character_has_token = character_has_token || at == character_end;
      ways[at].improve(score + scores_[static_cast<std::size_t>(token)], token, begin);
    }
    if (!character_has_token) ways[character_end].improve(score + unknown_score_, unknown, begin);
    begin = character_end;
  }

  const auto first = static_cast<std::ptrdiff_t>(out.size());
  bool after_unknown = false;
  for (std::size_t at = text.size(); at > 0; at = ways[at].begin) {
    const bool is_unknown = ways[at].token == unknown;
    if (!is_unknown || !after_unknown) out.push_back(ways[at].token);
    after_unknown = is_unknown;
  }
  std::reverse(out.begin() + first, out.end());
}

}  // namespace pith::tokenizer
