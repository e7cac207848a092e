#include "kv/codec/int_codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/half.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

/// Lloyd-Max levels of N(0, 1) for 16 codes, scaled so that the outermost are +-127; 128 is zero. Rounding them to
/// integers raises the error by less than 1e-4 of itself.
alignas(16) constexpr std::array<std::uint8_t, 16> kLevels = {1,   32,  53,  70,  84,  97,  110, 122,
                                                              134, 146, 159, 172, 186, 203, 224, 255};
/// 127 / 2.7326: a level of 1 standard deviation.
constexpr float kUnit = 46.476F;
constexpr float kHalfMax = 65504.0F;

float level(std::size_t code) { return static_cast<float>(kLevels[code]) - 128.0F; }

/// Nearest level of x (in level units): the number of midpoints below it.
std::uint8_t nearest_level(float x) {
  static constexpr std::array<float, 15> kMidpoints = [] {
    std::array<float, 15> m{};
    for (std::size_t i = 0; i < 15; ++i)
      m[i] = 0.5F * (static_cast<float>(kLevels[i]) + static_cast<float>(kLevels[i + 1])) - 128.0F;
    return m;
  }();
  unsigned code = 0;
  for (const float m : kMidpoints) code += x > m ? 1U : 0U;
  return static_cast<std::uint8_t>(code);
}

/// The scale as it will be read back.
float stored(float scale) { return f16_to_f32(f32_to_f16(std::min(scale, kHalfMax))); }

float encode_linear(const float* row, std::size_t size, std::uint8_t* codes) {
  float largest = 0.0F;
  for (std::size_t i = 0; i < size; ++i) largest = std::max(largest, std::fabs(row[i]));
  const float scale = stored(largest / 127.0F);
  const float inverse = scale > 0.0F ? 1.0F / scale : 0.0F;
  for (std::size_t i = 0; i < size; ++i) {
    const float code = std::clamp(std::nearbyint(row[i] * inverse), -127.0F, 127.0F);
    codes[i] = static_cast<std::uint8_t>(static_cast<int>(code) + 128);
  }
  return scale;
}

float encode_levels(const float* row, std::size_t size, std::uint8_t* codes) {
  float squares = 0.0F;
  for (std::size_t i = 0; i < size; ++i) squares += row[i] * row[i];
  float scale = std::sqrt(squares / static_cast<float>(size)) / kUnit;
  if (!(scale > 0.0F)) {
    std::fill_n(codes, size, std::uint8_t{8});
    return 0.0F;
  }
  // Two rounds: codes for the scale, then the scale that fits the codes best in least squares.
  for (int round = 0; round < 2; ++round) {
    const float inverse = 1.0F / scale;
    float cross = 0.0F;
    float norm = 0.0F;
    for (std::size_t i = 0; i < size; ++i) {
      codes[i] = nearest_level(row[i] * inverse);
      const float l = level(codes[i]);
      cross += row[i] * l;
      norm += l * l;
    }
    scale = cross / norm;
  }
  return stored(scale);
}

void put_half(float value, std::size_t i, std::byte* halves) {
  const std::uint16_t half = f32_to_f16(std::clamp(value, -kHalfMax, kHalfMax));
  std::memcpy(halves + 2 * i, &half, 2);
}

const std::uint16_t* as_halves(const std::byte* p) { return reinterpret_cast<const std::uint16_t*>(p); }
const std::uint8_t* as_codes(const std::byte* p) { return reinterpret_cast<const std::uint8_t*>(p); }

/// The mean of rows [first, kPageTokens), rounded as it is stored.
std::vector<float> page_mean(const float* rows, std::size_t size, std::size_t first) {
  std::vector<float> mean(size, 0.0F);
  for (std::size_t t = first; t < kPageTokens; ++t) {
    for (std::size_t i = 0; i < size; ++i) mean[i] += rows[t * size + i];
  }
  for (float& m : mean)
    m = f16_to_f32(f32_to_f16(std::clamp(m / static_cast<float>(kPageTokens - first), -kHalfMax, kHalfMax)));
  return mean;
}

}  // namespace

IntCodec::IntCodec(int bits, const kernels::KernelTable& kernels) : bits_(bits), kernels_(&kernels) {}

// Keys: codes, f16 scale[kPageTokens], f16 mean[size]. Values: codes, f16 scale[kPageTokens].
std::size_t IntCodec::key_page_bytes(std::size_t size) const { return code_bytes(size) + 2 * kPageTokens + 2 * size; }
std::size_t IntCodec::value_page_bytes(std::size_t size) const { return code_bytes(size) + 2 * kPageTokens; }

float IntCodec::encode(const float* row, std::size_t size, std::uint8_t* codes) const {
  return bits_ == 8 ? encode_linear(row, size, codes) : encode_levels(row, size, codes);
}

void IntCodec::place(std::uint8_t code, std::size_t tile, std::size_t columns, std::size_t column, std::size_t lane,
                     std::byte* codes) const {
  const std::size_t in_line = 4 * lane + column % 4;
  if (bits_ == 8) {
    codes[(tile * (columns / 4) + column / 4) * 64 + in_line] = static_cast<std::byte>(code);
    return;
  }
  std::byte& both = codes[(tile * (columns / 8) + column / 8) * 64 + in_line];
  both |= static_cast<std::byte>(column / 4 % 2 == 0 ? code : code << 4);
}

void IntCodec::seal_keys(const float* rows, std::size_t size, std::size_t first, std::byte* page) const {
  std::memset(page, 0, key_page_bytes(size));
  std::byte* scales = page + code_bytes(size);
  std::byte* mean_halves = scales + 2 * kPageTokens;
  const std::vector<float> mean = page_mean(rows, size, first);
  for (std::size_t i = 0; i < size; ++i) put_half(mean[i], i, mean_halves);
  std::vector<float> rest(size);
  std::vector<std::uint8_t> codes(size);
  for (std::size_t t = first; t < kPageTokens; ++t) {
    for (std::size_t i = 0; i < size; ++i) rest[i] = rows[t * size + i] - mean[i];
    put_half(encode(rest.data(), size, codes.data()), t, scales);
    for (std::size_t i = 0; i < size; ++i) place(codes[i], t / kLanes, size, i, t % kLanes, page);
  }
}

void IntCodec::seal_values(const float* rows, std::size_t size, std::size_t first, std::byte* page) const {
  std::memset(page, 0, value_page_bytes(size));
  std::byte* scales = page + code_bytes(size);
  std::vector<std::uint8_t> codes(size);
  for (std::size_t t = first; t < kPageTokens; ++t) {
    put_half(encode(rows + t * size, size, codes.data()), t, scales);
    for (std::size_t i = 0; i < size; ++i) place(codes[i], i / kLanes, kPageTokens, t, i % kLanes, page);
  }
}

void IntCodec::score(const Queries& queries, const std::byte* page, float* scores,
                     const ProbabilityScratch& scratch) const {
  const std::byte* scales = page + code_bytes(queries.size);
  const std::byte* mean = scales + 2 * kPageTokens;
  kernels_->dot_rows_f16(queries.values, queries.size, queries.rows, queries.size, as_halves(mean), scratch.row_add);
  kernels::TileOutput to;
  to.out = scores;
  to.stride = kPageTokens;
  to.lane_scales = as_halves(scales);
  to.row_add = scratch.row_add;
  dot()(as_codes(page), kPageTokens / kLanes, kLevels.data(), queries.split, to);
}

void IntCodec::accumulate(const float* probabilities, std::size_t rows, const std::byte* page, std::size_t size,
                          float* out, const ProbabilityScratch& scratch) const {
  kernels_->split_rows(probabilities, kPageTokens, rows, kPageTokens, as_halves(page + code_bytes(size)), scratch.high,
                       scratch.low, scratch.scales, scratch.high_sums, scratch.low_sums);
  const kernels::SplitRows split = {scratch.high,     scratch.low, scratch.scales, scratch.high_sums,
                                    scratch.low_sums, rows,        kPageTokens};
  kernels::TileOutput to;
  to.out = out;
  to.stride = size;
  to.accumulate = true;
  dot()(as_codes(page), size / kLanes, kLevels.data(), split, to);
}

}  // namespace pith::kv
