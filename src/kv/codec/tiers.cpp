#include "kv/codec/tiers.h"

namespace pith::kv {
namespace {

/// Score noise beyond which a head is useless in few bits, so it is promoted whatever the budget. Large key biases
/// (Qwen2) reach it; ordinary heads stay below a quarter of it.
constexpr float kNoiseUnusable = 100.0F;

}  // namespace

const Codec* Tiers::at(Precision precision) const {
  if (precision == kCodecPrecision) return codec.get();
  if (precision == kRecentPrecision) return recent.get();
  const std::size_t i = precision - kFirstPromotion;
  return i < promotions.size() ? promotions[i].codec.get() : nullptr;
}

Precision Tiers::choose(float noise, double& bytes_left) const {
  if (noise > kNoiseUnusable && recent != nullptr) return kRecentPrecision;
  Precision chosen = kCodecPrecision;
  for (std::size_t i = 0; i < promotions.size(); ++i) {
    const auto more =
        static_cast<double>(promotions[i].codec->page_bytes()) - static_cast<double>(at(chosen)->page_bytes());
    if (noise < promotions[i].noise_min || more > bytes_left) break;
    chosen = static_cast<Precision>(kFirstPromotion + i);
    bytes_left -= more;
  }
  return chosen;
}

}  // namespace pith::kv
