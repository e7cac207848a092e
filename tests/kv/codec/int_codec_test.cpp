#include "kv/codec/int_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/random_rows.h"
#include "kernels/select.h"
#include "kv/codec/float_codec.h"
#include "kv/codec/stored_half.h"
#include "kv/codec/trellis.h"
#include "kv/core/cache.h"
#include "kv/layout/layout.h"

// Writes pages as docs/formats/kv_page.md describes them, one element at a time. What the codecs write must match byte
// for byte.
namespace pith::kv {
namespace {

using kernels::kLanes;
using kernels::test::random_floats;

/// Encodes rows [kPageTokens, size] from `first` on as an integer page.
class PlainPage {
 public:
  PlainPage(const CodecShape& shape, int bits, std::vector<float> rows, std::size_t first)
      : keys_(shape.side == KvSide::kKeys), size_(shape.size), bits_(bits), rest_(std::move(rows)) {
    std::fill_n(rest_.begin(), first * size_, 0.0F);
    if (keys_) take_mean(first);
    for (std::size_t t = 0; t < kPageTokens; ++t) scales_.push_back(first_scale(t));
    if (bits_ == 8) store_scales();
    for (std::size_t tile = 0; tile < (keys_ ? kPageTokens : size_) / kLanes; ++tile) encode_tile(tile);
    if (bits_ != 8) {
      fit_scales();
      store_scales();
    }
  }

  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> page = tiles_;
    const auto append = [&](const void* from, std::size_t count) {
      const auto* bytes = static_cast<const std::uint8_t*>(from);
      page.insert(page.end(), bytes, bytes + count);
    };
    append(scale_codes_.data(), scale_codes_.size());
    append(mean_codes_.data(), mean_codes_.size());
    if (keys_) append(&mean_unit_, sizeof mean_unit_);
    append(&scale_unit_, sizeof scale_unit_);
    return page;
  }

 private:
  const Trellis& levels() const { return keys_ ? trellis(bits_) : stateless(bits_); }

  void take_mean(std::size_t first) {
    std::vector<float> mean(size_, 0.0F);
    float top = 0.0F;
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t t = first; t < kPageTokens; ++t) mean[i] += rest_[t * size_ + i];
      mean[i] /= static_cast<float>(kPageTokens - first);
      top = std::max(top, std::fabs(mean[i]));
    }
    mean_unit_ = top / 127.0F;
    for (std::size_t i = 0; i < size_; ++i) {
      const float code = std::nearbyint(mean[i] / mean_unit_);
      mean_codes_.push_back(static_cast<std::int8_t>(code));
      for (std::size_t t = first; t < kPageTokens; ++t) rest_[t * size_ + i] -= code * mean_unit_;
    }
  }

  float first_scale(std::size_t t) const {
    float top = 0.0F;
    float squares = 0.0F;
    for (std::size_t i = 0; i < size_; ++i) {
      top = std::max(top, std::fabs(rest_[t * size_ + i]));
      squares += rest_[t * size_ + i] * rest_[t * size_ + i];
    }
    return bits_ == 8 ? top / 127.0F : std::sqrt(squares / static_cast<float>(size_)) / levels().unit;
  }

  void store_scales() {
    float top = 0.0F;
    for (const float scale : scales_) top = std::max(top, scale);
    scale_unit_ = 2.0F * top / (255.0F * 255.0F);
    for (float& scale : scales_) {
      const float exact = std::sqrt(std::max(scale, 0.0F) / scale_unit_);
      const float code = std::min(bits_ == 8 ? std::ceil(exact) : std::nearbyint(exact), 255.0F);
      scale_codes_.push_back(static_cast<std::uint8_t>(code));
      scale = code * code * scale_unit_;
    }
  }

  /// Returns the element of rows at a lane and a column of a tile.
  std::size_t element(std::size_t tile, std::size_t lane, std::size_t column) const {
    const std::size_t row = tile * kLanes + lane;
    return keys_ ? row * size_ + column : column * size_ + row;
  }

  void encode_tile(std::size_t tile) {
    const std::size_t columns = keys_ ? size_ : kPageTokens;
    std::vector<float> x(columns * kLanes);
    std::vector<float> weights;
    for (std::size_t c = 0; c < columns; ++c) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const float scale = scales_[element(tile, lane, c) / size_];
        x[c * kLanes + lane] = scale > 0.0F ? rest_[element(tile, lane, c)] * (1.0F / scale) : 0.0F;
      }
      if (!keys_) weights.push_back(scales_[c] * scales_[c]);
    }
    std::vector<std::uint8_t> codes(columns * kLanes);
    if (bits_ == 8) {
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const float code = std::nearbyint(x[i / 64 * 64 + i % 4 * kLanes + i % 64 / 4]);
        codes[i] = static_cast<std::uint8_t>(128 + static_cast<int>(std::min(127.0F, std::max(-127.0F, code))));
      }
      tiles_.insert(tiles_.end(), codes.begin(), codes.end());
      return;
    }
    const Trellis& t = levels();
    kernels::select_kernels().encode_trellis(x.data(), kLanes, keys_ ? nullptr : weights.data(), columns / 4,
                                             t.levels.data(), t.members(), codes.data());
    keep_levels(tile, codes);
    for (std::size_t step = 0; step < codes.size() / 64; step += bits_ == 4 ? 2 : 4) pack_step(&codes[step * 64]);
  }

  /// Decodes the codes of a tile.
  void keep_levels(std::size_t tile, const std::vector<std::uint8_t>& codes) {
    const Trellis& t = levels();
    values_.resize(rest_.size());
    for (std::size_t i = 0; i < 64; ++i) {
      std::size_t state = 0;
      for (std::size_t j = 0; j < codes.size() / 64; ++j) {
        const std::size_t next = codes[64 * j + i] / t.members();
        values_[element(tile, i / 4, 4 * j + i % 4)] =
            t.levels[(2 * state + next) * kernels::kTrellisMembers + codes[64 * j + i] % t.members()];
        state = next;
      }
    }
  }

  void pack_step(const std::uint8_t* codes) {
    std::vector<std::uint8_t> step(bits_ == 3 ? 96 : 64);
    for (std::size_t i = 0; i < 64; ++i) {
      for (std::size_t k = 0; k < (bits_ == 4 ? 2 : 4); ++k) {
        const unsigned code = codes[64 * k + i];
        const unsigned low = bits_ == 4 ? code << (4 * k) : (code & 3U) << (2 * k);
        step[i] = static_cast<std::uint8_t>(step[i] | low);
        if (bits_ != 3) continue;
        step[64 + i % 32] = static_cast<std::uint8_t>(step[64 + i % 32] | (code >> 2U) << (k + 4 * (i / 32)));
      }
    }
    tiles_.insert(tiles_.end(), step.begin(), step.end());
  }

  void fit_scales() {
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      float cross = 0.0F;
      float norm = 0.0F;
      for (std::size_t i = t * size_; i < (t + 1) * size_; ++i) {
        cross += rest_[i] * values_[i];
        norm += values_[i] * values_[i];
      }
      if (scales_[t] > 0.0F) scales_[t] = cross / norm;
    }
  }

  bool keys_;
  std::size_t size_;
  int bits_;
  std::vector<float> rest_, scales_, values_;
  std::vector<std::uint8_t> tiles_, scale_codes_;
  std::vector<std::int8_t> mean_codes_;
  float scale_unit_ = 0.0F;
  float mean_unit_ = 0.0F;
};

/// Returns rows of different norms; keys have a mean.
std::vector<float> uneven_rows(std::size_t size) {
  auto rows = random_floats(kPageTokens * size, size);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = rows[i] * (0.1F + static_cast<float>(i / size % 7)) + 0.3F;
  return rows;
}

TEST(IntCodec, PagesAreTheFormatsToTheByte) {
  const auto& kernels = kernels::select_kernels();
  for (const int bits : {8, 4, 3, 2}) {
    for (const std::size_t size : {16UL, 48UL, 64UL, 80UL, 256UL, 576UL, 1024UL}) {
      for (const KvSide side : kSides) {
        for (const std::size_t first : {std::size_t{0}, kExactPrefixTokens}) {
          const IntCodec codec({side, size}, bits, kernels);
          const auto rows = uneven_rows(size);
          std::vector<std::byte> page(codec.page_bytes());
          codec.encode(rows, first, page);
          const auto expected = PlainPage({side, size}, bits, rows, first).bytes();
          ASSERT_EQ(page.size(), expected.size());
          EXPECT_EQ(std::memcmp(page.data(), expected.data(), page.size()), 0)
              << bits << " bits, size " << size << ", side " << static_cast<int>(side) << ", first " << first;
        }
      }
    }
  }
}

TEST(FloatCodec, PagesAreTheFormatsToTheByte) {
  const auto& kernels = kernels::select_kernels();
  for (const std::size_t size : {16UL, 80UL}) {
    for (const KvSide side : kSides) {
      for (const std::size_t tokens : {kExactPrefixTokens, kPageTokens}) {
        const auto rows = random_floats(tokens * size, size, 1e3F);
        const FloatCodec f32({side, size}, FloatElement::kF32, kernels);
        const FloatCodec f16({side, size}, FloatElement::kF16, kernels);
        const FloatCodec bf16({side, size}, FloatElement::kBF16, kernels);
        std::vector<float> floats(tokens * size);
        std::vector<std::uint16_t> halves(tokens * size);
        std::vector<std::uint16_t> brains(tokens * size);
        for (std::size_t t = 0; t < tokens; ++t) {
          f32.put_row(&rows[t * size], tokens, t, reinterpret_cast<std::byte*>(floats.data()));
          f16.put_row(&rows[t * size], tokens, t, reinterpret_cast<std::byte*>(halves.data()));
          bf16.put_row(&rows[t * size], tokens, t, reinterpret_cast<std::byte*>(brains.data()));
        }
        std::vector<float> read(tokens * size);
        f16.get_rows(reinterpret_cast<const std::byte*>(halves.data()), tokens, tokens, read.data());
        for (std::size_t t = 0; t < tokens; ++t) {
          for (std::size_t i = 0; i < size; ++i) {
            const std::size_t at = side == KvSide::kKeys ? (t / kLanes * size + i) * kLanes + t % kLanes
                                                         : (i / kLanes * tokens + t) * kLanes + i % kLanes;
            const float x = rows[t * size + i];
            ASSERT_EQ(floats[at], x);
            ASSERT_EQ(halves[at], to_stored_half(static_cast<double>(x)));
            ASSERT_EQ(brains[at], f32_to_bf16(x));
            ASSERT_EQ(read[t * size + i], f16_to_f32(halves[at]));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace pith::kv
