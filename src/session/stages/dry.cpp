#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "session/stages/stage.h"

namespace pith {
namespace {

/// base^exponent by squaring, the same on every platform; may be infinite.
double power(double base, std::size_t exponent) {
  double result = 1.0;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1U) != 0) result *= base;
    base *= base;
  }
  return result;
}

/// Sequences that end a repetition.
class Breakers {
 public:
  explicit Breakers(TokenSequences sequences) {
    for (std::vector<Token>& sequence : sequences) {
      if (sequence.empty()) fail(ErrorKind::kInvalidArgument, "dry_breakers has a sequence without a token");
      if (sequence.size() == 1) {
        single_.push_back(sequence.front());
      } else {
        longer_.push_back(std::move(sequence));
      }
    }
    std::sort(single_.begin(), single_.end());
  }

  bool is_single(Token token) const { return std::binary_search(single_.begin(), single_.end(), token); }

  std::size_t buffer_bytes() const noexcept {
    std::size_t bytes = session::vector_bytes(single_) + session::vector_bytes(longer_);
    for (const std::vector<Token>& breaker : longer_) bytes += session::vector_bytes(breaker);
    return bytes;
  }

  /// Returns how many tokens there are after the last breaker.
  std::size_t tokens_after(std::span<const Token> tokens) const {
    std::size_t end = tokens.size();
    while (end != 0 && !is_single(tokens[end - 1]) && !ends_in_longer(tokens.first(end))) --end;
    return tokens.size() - end;
  }

 private:
  bool ends_in_longer(std::span<const Token> tokens) const {
    return std::any_of(longer_.begin(), longer_.end(), [&](const std::vector<Token>& breaker) {
      return breaker.size() <= tokens.size() && std::equal(breaker.rbegin(), breaker.rend(), tokens.rbegin());
    });
  }

  std::vector<Token> single_;  ///< Sorted.
  TokenSequences longer_;
};

class Dry final : public session::StageOf<Dry> {
 public:
  Dry(float multiplier, float base, int allowed_length, int window, TokenSequences breakers)
      : multiplier_(static_cast<double>(options::checked<&SamplingOptions::dry_multiplier>(multiplier))),
        base_(static_cast<double>(options::checked<&SamplingOptions::dry_base>(base))),
        allowed_length_(
            static_cast<std::size_t>(options::checked<&SamplingOptions::dry_allowed_length>(allowed_length))),
        window_(options::checked<&SamplingOptions::dry_window>(window)),
        breakers_(std::move(breakers)) {}
  std::string_view name() const override { return "dry"; }
  std::size_t buffer_bytes() const noexcept override {
    return breakers_.buffer_bytes() + session::vector_bytes(lengths_) + session::vector_bytes(next_);
  }

  void apply(Candidates& candidates, const SamplingContext& context) override {
    if (multiplier_ == 0.0) return;
    const std::span<const Token> tokens = session::newest(context.history, window_);
    const std::size_t most = breakers_.tokens_after(tokens);
    if (most < allowed_length_) return;
    find_repetitions(tokens);
    next_.clear();
    for (std::size_t distance = 1; distance < tokens.size(); ++distance) {
      const std::size_t length = std::min(lengths_[distance], most);
      const Token next = tokens[tokens.size() - distance];
      if (length < allowed_length_ || breakers_.is_single(next)) continue;
      if (session::is_within(next, candidates.vocab())) next_.emplace_back(next, length);
    }
    penalize_longest(candidates);
  }

 private:
  /// lengths_[d]: how many of the newest tokens stand d tokens earlier as well. The Z-function of the tokens, newest
  /// first: in [left, right) the sequence is known to be that of its beginning.
  void find_repetitions(std::span<const Token> tokens) {
    const std::size_t count = tokens.size();
    const auto at = [&](std::size_t i) { return tokens[count - 1 - i]; };
    lengths_.assign(count, 0);
    std::size_t left = 0;
    std::size_t right = 0;
    for (std::size_t i = 1; i < count; ++i) {
      std::size_t length = i < right ? std::min(right - i, lengths_[i - left]) : 0;
      while (i + length < count && at(length) == at(i + length)) ++length;
      lengths_[i] = length;
      if (i + length > right) {
        left = i;
        right = i + length;
      }
    }
  }

  void penalize_longest(Candidates& candidates) {
    std::sort(next_.begin(), next_.end());
    for (std::size_t i = 0; i < next_.size(); ++i) {
      const auto& [token, length] = next_[i];
      if (i + 1 < next_.size() && next_[i + 1].first == token) continue;
      const double penalty = multiplier_ * power(base_, length - allowed_length_);
      const double most = static_cast<double>(std::numeric_limits<float>::max());
      candidates.set_logit(token, candidates.logit(token) - static_cast<float>(std::min(penalty, most)));
    }
  }

  double multiplier_;
  double base_;
  std::size_t allowed_length_;
  int window_;
  Breakers breakers_;
  std::vector<std::size_t> lengths_;
  /// Tokens that would prolong a repetition, with its length.
  std::vector<std::pair<Token, std::size_t>> next_;
};

}  // namespace

stages::Stage stages::dry(float multiplier, float base, int allowed_length, int window, TokenSequences breakers) {
  return std::make_shared<Dry>(multiplier, base, allowed_length, window, std::move(breakers));
}

}  // namespace pith
