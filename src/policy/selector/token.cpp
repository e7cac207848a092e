#include <algorithm>
#include <vector>

#include "policy/allocators.h"
#include "policy/parameters.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

/// Keeps the tokens with the highest scores; of equal ones the newest.
class Token final : public TokenSelector {
 public:
  void select(const HeadView& head, std::span<const float> scores, std::size_t budget,
              std::span<std::uint8_t> kept) const override {
    std::vector<std::size_t> candidates;
    for (std::size_t t = 0; t < head.tokens(); ++t) {
      if (kept[t] == 0) candidates.push_back(t);
    }
    const auto better = [&](std::size_t a, std::size_t b) {
      const float of_a = finite_score(static_cast<double>(scores[a]));
      const float of_b = finite_score(static_cast<double>(scores[b]));
      return of_a != of_b ? of_a > of_b : a > b;
    };
    const std::size_t count = std::min(budget, candidates.size());
    const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(count);
    if (end != candidates.end()) std::nth_element(candidates.begin(), end, candidates.end(), better);
    for (auto at = candidates.begin(); at != end; ++at) kept[*at] = 1;
  }
};

}  // namespace

SelectorPtr make_token(const PolicyParameters& parameters) {
  refuse_parameters("selector \"token\"", parameters);
  return std::make_unique<Token>();
}

}  // namespace pith::policy
