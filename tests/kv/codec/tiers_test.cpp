#include "kv/codec/tiers.h"

#include <gtest/gtest.h>

#include "kernels/select.h"

namespace pith::kv {
namespace {

Tiers key_tiers(const char* name, std::size_t window = 0) {
  return make_tiers(name, {KvSide::kKeys, 64}, kernels::select_kernels(), nullptr, window);
}

TEST(Tiers, PrecisionsAreThoseOfSnapshots) {
  const Tiers tiers = key_tiers("int2");
  EXPECT_EQ(tiers.at(0), tiers.codec.get());
  EXPECT_EQ(tiers.at(1), tiers.recent.get());
  EXPECT_EQ(tiers.at(2), tiers.promotions[0].codec.get());
  EXPECT_EQ(tiers.at(3), tiers.promotions[1].codec.get());
  EXPECT_EQ(tiers.at(4), nullptr);
  EXPECT_EQ(key_tiers("f16").at(1), nullptr);
}

TEST(Tiers, ChooseByNoiseAsFarAsTheBytesLast) {
  const Tiers tiers = key_tiers("int2");
  const auto chosen = [&](float noise, double bytes) { return tiers.choose(noise, bytes); };
  EXPECT_EQ(chosen(1.0F, 1e9), kCodecPrecision);
  EXPECT_EQ(chosen(5.0F, 1e9), kFirstPromotion);
  EXPECT_EQ(chosen(20.0F, 1e9), kFirstPromotion + 1);
  EXPECT_EQ(chosen(20.0F, 0.0), kCodecPrecision);
  EXPECT_EQ(chosen(1000.0F, 0.0), kRecentPrecision);
  double left = 1e6;
  tiers.choose(20.0F, left);
  EXPECT_EQ(left, 1e6 - static_cast<double>(tiers.at(3)->page_bytes() - tiers.codec->page_bytes()));
}

TEST(Tiers, WindowsKeepFewerRecentPages) {
  EXPECT_EQ(key_tiers("int4").recent_pages, 4U);
  EXPECT_EQ(key_tiers("int4", 1024).recent_pages, 2U);
  EXPECT_EQ(key_tiers("int4", 100).recent_pages, 1U);
  EXPECT_EQ(key_tiers("int4", 1U << 20U).recent_pages, 4U);
  EXPECT_EQ(key_tiers("int8", 1024).recent_pages, 0U);
}

TEST(Tiers, ExactPagesAreF32OnlyBehindF32) {
  EXPECT_EQ(key_tiers("f32").exact->page_bytes(), 64U * 64 * 4);
  EXPECT_EQ(key_tiers("f32-rotated").exact->page_bytes(), 64U * 64 * 4);
  EXPECT_EQ(key_tiers("bf16").exact->page_bytes(), 64U * 64 * 2);
  EXPECT_EQ(key_tiers("int4").exact->page_bytes(), 64U * 64 * 2);
}

}  // namespace
}  // namespace pith::kv
