#include <pith/random.h>

#include <cstdint>

#include "policy/parameters.h"
#include "policy/policies.h"

namespace pith::policy {
namespace {

/// Returns a hash of x.
constexpr std::uint64_t mixed(std::uint64_t x) noexcept { return split_mix(x); }

/// The control: a policy is worth what it does better than chance.
///   score(t) = uniform in [0, 1), drawn from (seed, layer, KV head, position of t) and nothing else
class Random final : public EvictionPolicy {
 public:
  void score(const HeadView& head, std::span<float> scores) const override {
    const auto layer = static_cast<std::uint64_t>(static_cast<std::uint32_t>(head.layer));
    const auto kv_head = static_cast<std::uint64_t>(static_cast<std::uint32_t>(head.kv_head));
    const std::uint64_t stream = mixed(mixed(head.seed) ^ (layer << 32 | kv_head));
    for (std::size_t t = 0; t < scores.size(); ++t) {
      const auto position = static_cast<std::uint64_t>(static_cast<std::uint32_t>(head.positions[t]));
      // 24 bits: all that a float in [0, 1) holds exactly.
      scores[t] = static_cast<float>(mixed(stream ^ position) >> 40) * 0x1.0p-24F;
    }
  }
};

}  // namespace

PolicyPtr make_random(const PolicyParameters& parameters) {
  refuse_parameters("eviction policy \"random\"", parameters);
  return std::make_unique<Random>();
}

}  // namespace pith::policy
