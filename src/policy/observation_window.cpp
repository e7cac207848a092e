#include "policy/observation_window.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "policy/parameters.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

class ObservedPolicy final : public EvictionPolicy {
 public:
  ObservedPolicy(const Parameters& parameters, std::string_view allocator)
      : window_(parameters.whole("window")),
        kernel_(static_cast<std::size_t>(parameters.whole("kernel"))),
        max_pooling_(parameters.whole("max_pooling") == 1),
        allocator_(allocator) {}

  PolicyNeeds needs() const override { return {.queries = window_}; }
  std::string_view allocator() const override { return allocator_; }

  void score(const HeadView& head, std::span<float> scores) const override {
    std::vector<float> seen(scores.size());
    score_by_attention(head, seen);
    const std::size_t observed = tokens_before_last(head, window_);
    const std::span<const float> before = std::span(seen).first(observed);
    for (std::size_t t = 0; t < observed; ++t) scores[t] = pooled(before, t);
    std::copy(seen.begin() + static_cast<std::ptrdiff_t>(observed), seen.end(),
              scores.begin() + static_cast<std::ptrdiff_t>(observed));
  }

  void protect(const HeadView& head, std::span<std::uint8_t> kept) const override { protect_last(head, window_, kept); }

 private:
  float pooled(std::span<const float> seen, std::size_t token) const {
    const std::size_t reach = kernel_ / 2;
    const std::size_t begin = token - std::min(token, reach);
    const std::size_t end = std::min(seen.size(), token + reach + 1);
    double sum = 0.0;
    float largest = std::numeric_limits<float>::lowest();
    for (std::size_t t = begin; t < end; ++t) {
      sum += static_cast<double>(seen[t]);
      largest = std::max(largest, seen[t]);
    }
    return max_pooling_ ? largest : finite_score(sum / static_cast<double>(kernel_));
  }

  int window_;
  std::size_t kernel_;
  bool max_pooling_;
  std::string_view allocator_;
};

}  // namespace

std::unique_ptr<const EvictionPolicy> make_observation_window(const ObservationWindow& presets,
                                                              const PolicyParameters& parameters) {
  const std::array specs = {
      ParameterSpec{"window", static_cast<double>(presets.window), 1, 4096, Numbers::kWhole},
      ParameterSpec{"kernel", static_cast<double>(presets.kernel), 1, 63, Numbers::kOdd},
      ParameterSpec{"max_pooling", presets.max_pooling ? 1.0 : 0.0, 0, 1, Numbers::kWhole},
  };
  return std::make_unique<ObservedPolicy>(Parameters(presets.owner, specs, parameters), presets.allocator);
}

}  // namespace pith::policy
