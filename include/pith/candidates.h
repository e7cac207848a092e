#pragma once

#include <pith/export.h>
#include <pith/token.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace pith::inline v0_1 {

/// A token that can still be drawn.
struct Candidate {
  double weight = 0.0;  ///< e^((logit - largest) / temperature), as Candidates::weighted() computed it.
  float logit = 0.0F;   ///< Before the temperature. Minus infinity: never drawn.
  Token token = 0;
};

/// The tokens of which one will be drawn, with their logits: what the stages of a sampler work on. In the beginning it
/// is the whole vocabulary, a mere view of the caller's logits; the first write copies them, and the first stage that
/// cuts, sorts or weighs makes a list of those that are left. So a stage pays only for what it asks for. Of equal
/// logits the lower id comes first wherever an order matters, and sums run in the order of the list, so results are the
/// same on every platform. Not thread-safe.
///
/// A token may have the logit -inf: it is banned, and stays in the list until it is cut. largest(), and all that needs
/// it (weighted(), keep_top(), sort(), make_greedy()), throw Error: kInvalidArgument if no token is left that is not
/// banned, kNumeric if a logit is NaN or positive infinity.
class PITH_EXPORT Candidates {
 public:
  Candidates() = default;
  /// Begins with every token. `logits`: [vocab]; they must outlive this object, or its use until reset().
  explicit Candidates(std::span<const float> logits) { reset(logits); }
  /// Begins anew; buffers are kept.
  void reset(std::span<const float> logits);

  /// Returns the bytes of the buffers, which are kept from one use to the next.
  std::size_t buffer_bytes() const noexcept {
    return own_.capacity() * sizeof(float) + list_.capacity() * sizeof(Candidate);
  }

  /// Returns the number of tokens of the vocabulary.
  std::size_t vocab() const noexcept { return caller_.size(); }
  /// Returns the number of tokens that are left, banned ones included.
  std::size_t size() const noexcept { return listed_ ? list_.size() : caller_.size(); }

  /// Returns the logit of a token; -inf if it was cut. Costs nothing until a list was made, then a binary search, and a
  /// linear one once the list was ordered. Throws Error(kInvalidArgument) for an id outside the vocabulary.
  float logit(Token token) const;
  /// Changes the logit of a token; does nothing if it was cut. Costs and throws as logit() does.
  void set_logit(Token token, float logit);
  /// Changes every logit: `change(token, logit)` returns the new one. For masks over the vocabulary.
  template <typename Change>
  void transform(Change change);

  /// Returns the tokens that are left, lowest id first unless they were ordered. Valid until the next call that is not
  /// const. Weights are those of the last weighted().
  std::span<const Candidate> list();
  /// Returns the same with weights, of which the largest is 1 when they are computed; they are kept until a logit or
  /// the temperature changes.
  std::span<const Candidate> weighted();
  /// Returns the sum of the weights, in the order of the list. A token's probability is its weight divided by it.
  double total_weight();
  /// Returns the largest logit.
  float largest();

  /// What logits are divided by before they become weights: the product of all that heat() was given; 1 at first.
  double temperature() const noexcept { return temperature_; }
  /// Multiplies the temperature. Throws Error(kInvalidArgument) for a number that is not above 0 and finite.
  void heat(double temperature);
  /// Leaves only the likeliest token, which the sampler then takes without a random number.
  void make_greedy();
  bool greedy() const noexcept { return greedy_; }

  /// Leaves the `count` likeliest tokens, likeliest first. Sorts only these. Does nothing if there are not more. Throws
  /// Error(kInvalidArgument) if `count` is 0.
  void keep_top(std::size_t count);
  /// Orders the tokens, likeliest first. The whole vocabulary takes milliseconds: cut first, if you can.
  void sort();
  /// Orders the tokens by `before(a, b)`, a strict order of two `const Candidate&` without ties.
  template <typename Before>
  void sort_by(Before before);
  /// Leaves the first `count` tokens of the list; does nothing if there are not more.
  void keep_first(std::size_t count);
  /// Leaves the tokens for which `keep(const Candidate&)` returns true. Keeps their order.
  template <typename Keep>
  void keep_if(Keep keep);

 private:
  enum class Order { kById, kLikeliestFirst, kOther };

  void make_list();
  /// Returns [vocab] logits, as they are until a list is made.
  std::span<const float> logits() const noexcept { return copied_ ? std::span<const float>(own_) : caller_; }
  /// Returns the same, writable: copies the caller's the first time.
  std::span<float> own_logits();
  /// Returns null for a token that was cut.
  const Candidate* find(Token token) const;
  void logits_changed();
  void take_top_of_all(std::size_t count);

  std::span<const float> caller_;
  std::vector<float> own_;
  std::vector<Candidate> list_;
  double temperature_ = 1.0;
  float largest_ = 0.0F;
  Order order_ = Order::kById;
  bool copied_ = false;    ///< own_ holds the logits.
  bool listed_ = false;    ///< list_ holds what is left; until then, everything is.
  bool weighted_ = false;  ///< Weights are those of the logits and the temperature.
  bool has_largest_ = false;
  bool greedy_ = false;
};

template <typename Change>
void Candidates::transform(Change change) {
  if (listed_) {
    for (Candidate& candidate : list_) candidate.logit = change(candidate.token, candidate.logit);
  } else {
    Token token = 0;
    for (float& logit : own_logits()) logit = change(token++, logit);
  }
  logits_changed();
}

template <typename Before>
void Candidates::sort_by(Before before) {
  make_list();
  std::sort(list_.begin(), list_.end(), before);
  order_ = Order::kOther;
}

template <typename Keep>
void Candidates::keep_if(Keep keep) {
  make_list();
  std::erase_if(list_, [&](const Candidate& candidate) { return !keep(candidate); });
  has_largest_ = false;
}

}  // namespace pith::inline v0_1
