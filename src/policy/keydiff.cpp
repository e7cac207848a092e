#include <vector>

#include "policy/parameters.h"
#include "policy/policies.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

/// KeyDiff (Park et al., arXiv 2504.15364, section 3): keeps tokens whose keys differ most from the others.
///   score(t) = -cosine(key(t), mean over all tokens s of key(s) / |key(s)|)
/// Keys have RoPE applied, as in the paper.
class KeyDiff final : public EvictionPolicy {
 public:
  PolicyNeeds needs() const override { return {.keys = true}; }

  void score(const HeadView& head, std::span<float> scores) const override {
    const std::vector<float> anchor = mean_direction(head);
    const double anchor_length = length_of(anchor);
    for (std::size_t t = 0; t < scores.size(); ++t) {
      const std::span<const float> key = row_of(head.keys, head.key_size, t);
      double dot = 0.0;
      for (std::size_t i = 0; i < key.size(); ++i) dot += static_cast<double>(key[i]) * static_cast<double>(anchor[i]);
      const double lengths = length_of(key) * anchor_length;
      scores[t] = lengths == 0.0 ? 0.0F : finite_score(-dot / lengths);
    }
  }

 private:
  /// Returns the mean [key_size]. Keys without a direction (zeros, infinities, NaN) are left out.
  static std::vector<float> mean_direction(const HeadView& head) {
    std::vector<double> sum(head.key_size, 0.0);
    for (std::size_t t = 0; t < head.tokens(); ++t) {
      const std::span<const float> key = row_of(head.keys, head.key_size, t);
      const double length = length_of(key);
      if (!(length > 0.0 && length <= kLongest)) continue;
      for (std::size_t i = 0; i < key.size(); ++i) sum[i] += static_cast<double>(key[i]) / length;
    }
    std::vector<float> mean(head.key_size);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] = static_cast<float>(sum[i] / static_cast<double>(head.tokens()));
    }
    return mean;
  }

  /// Longer than any vector of finite floats.
  static constexpr double kLongest = 1e100;
};

}  // namespace

PolicyPtr make_keydiff(const PolicyParameters& parameters) {
  refuse_parameters("eviction policy \"keydiff\"", parameters);
  return std::make_unique<KeyDiff>();
}

}  // namespace pith::policy
