#pragma once

#include <pith/sampling.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <vector>

// What tests of the sampler's stages share.
namespace pith::test {

using Logits = std::vector<float>;
using Tokens = std::vector<Token>;
/// Token to probability.
using Distribution = std::map<Token, long double>;

inline constexpr float kBanned = -std::numeric_limits<float>::infinity();

/// The softmax of logits / temperature, by its definition; banned tokens are not in it.
inline Distribution softmax(const Logits& logits, double temperature) {
  Distribution result;
  long double total = 0;
  const float top = *std::max_element(logits.begin(), logits.end());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] == kBanned) continue;
    const long double below = static_cast<long double>(logits[i]) - static_cast<long double>(top);
    total += result[static_cast<Token>(i)] = std::exp(below / static_cast<long double>(temperature));
  }
  for (auto& [token, p] : result) p /= total;
  return result;
}

/// Few different values, so that there are ties, and sometimes banned tokens; never all of them.
inline rc::Gen<Logits> some_logits() {
  const auto value =
      rc::gen::map(rc::gen::inRange(-8, 9), [](int i) { return i == -8 ? kBanned : 0.5F * static_cast<float>(i); });
  return rc::gen::suchThat(rc::gen::nonEmpty(rc::gen::container<Logits>(value)), [](const Logits& logits) {
    return std::any_of(logits.begin(), logits.end(), [](float x) { return x != kBanned; });
  });
}

/// Tokens of a small vocabulary, so that they repeat.
inline rc::Gen<Tokens> some_history(int vocab) { return rc::gen::container<Tokens>(rc::gen::inRange(0, vocab)); }

/// What a stage makes of logits.
class Applied {
 public:
  Applied(const stages::Stage& stage, const Logits& logits, std::span<const Token> history = {},
          double temperature = 1.0, std::uint64_t seed = 0)
      : candidates(logits), rng(seed) {
    candidates.heat(temperature);
    stage->clone()->apply(candidates, {history, rng});
  }
  /// The tokens that are left and not banned.
  std::set<Token> left() {
    std::set<Token> result;
    for (const Candidate& candidate : candidates.list()) {
      if (candidate.logit != kBanned) result.insert(candidate.token);
    }
    return result;
  }

  Candidates candidates;
  Rng rng;
};

}  // namespace pith::test
