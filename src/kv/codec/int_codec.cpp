#include "kv/codec/int_codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/fail.h"
#include "kv/codec/trellis.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

constexpr float kCodeMax = 127.0F;
constexpr float kScaleCodeMax = 255.0F;
/// Room that the scales of a head's first page leave for larger ones.
constexpr float kHeadroom = 2.0F;

float load_float(const std::byte* p) {
  float x = 0.0F;
  std::memcpy(&x, p, sizeof x);
  return x;
}

void store_float(float x, std::byte* p) { std::memcpy(p, &x, sizeof x); }

const std::uint8_t* bytes(const std::byte* p) { return reinterpret_cast<const std::uint8_t*>(p); }
std::uint8_t* bytes(std::byte* p) { return reinterpret_cast<std::uint8_t*>(p); }

/// The largest; NaN if one is not finite.
float largest(std::span<const float> x) {
  float top = 0.0F;
  float poison = 0.0F;
  for (const float v : x) {
    top = std::max(top, v);
    poison += v * 0.0F;
  }
  return top + poison;
}

}  // namespace

IntCodec::IntCodec(const CodecShape& shape, int bits, const kernels::KernelTable& kernels)
    : Codec(shape), bits_(bits), trellis_(nullptr), layout_{}, kernels_(&kernels) {
  // A code's state comes from another element of the same key, but of another token's value: that one may be evicted.
  if (bits != 8) trellis_ = keys() ? &trellis(bits) : &stateless(bits);
  constexpr std::size_t kSizeMax = 4 * kernels::kTileLinesMax;
  if (shape.size > kSizeMax) {
    fail(ErrorKind::kUnsupported, "KV heads have {} elements, integer codecs hold at most {}", shape.size, kSizeMax);
  }
  layout_.scales = tiles() * tile_bytes();
  layout_.mean = layout_.scales + kPageTokens;
  layout_.mean_unit = layout_.mean + (keys() ? shape.size : 0);
  layout_.scale_unit = layout_.mean_unit + (keys() ? sizeof(float) : 0);
  layout_.end = layout_.scale_unit + sizeof(float);
}

std::size_t IntCodec::page_bytes() const { return layout_.end; }

kernels::CodeDotKernel IntCodec::dot() const {
  switch (bits_) {
    case 8:
      return kernels_->dot_codes8;
    case 4:
      return kernels_->dot_trellis4;
    case 3:
      return kernels_->dot_trellis3;
    default:
      return kernels_->dot_trellis2;
  }
}

const std::uint8_t* IntCodec::levels() const { return trellis_ == nullptr ? nullptr : trellis_->lookup.data(); }

kernels::LaneScales IntCodec::lane_scales(const std::byte* page) const {
  return {bytes(page + layout_.scales), load_float(page + layout_.scale_unit)};
}

template <typename Visit>
void IntCodec::for_tile(std::size_t tile, const Visit& visit) const {
  const std::size_t size = shape().size;
  const std::size_t columns = 4 * lines();
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const std::size_t row = tile * kLanes + lane;
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t token = keys() ? row : column;
      visit(token, token * size + (keys() ? column : row), column / 4 * kLineBytes + 4 * lane + column % 4);
    }
  }
}

std::vector<float> IntCodec::store_mean(std::span<const float> rows, std::size_t first, std::byte* page) const {
  const std::size_t size = shape().size;
  std::vector<float> mean(size, 0.0F);
  if (!keys()) return mean;
  for (std::size_t t = first; t < kPageTokens; ++t) {
    for (std::size_t i = 0; i < size; ++i) mean[i] += rows[t * size + i];
  }
  float low = 0.0F;
  float high = 0.0F;
  bool finite = true;
  for (float& m : mean) {
    m /= static_cast<float>(kPageTokens - first);
    low = std::min(low, m);
    high = std::max(high, m);
    finite = finite && std::isfinite(m);
  }
  const float unit = finite ? std::max(high, -low) / kCodeMax : 0.0F;
  for (std::size_t i = 0; i < size; ++i) {
    const float code = unit > 0.0F ? std::nearbyint(mean[i] / unit) : 0.0F;
    page[layout_.mean + i] = static_cast<std::byte>(static_cast<std::int8_t>(std::clamp(code, -kCodeMax, kCodeMax)));
    mean[i] = code * unit;
  }
  store_float(unit, page + layout_.mean_unit);
  return mean;
}

std::vector<float> IntCodec::first_scales(const std::vector<float>& rows) const {
  const std::size_t size = shape().size;
  std::vector<float> scales(kPageTokens);
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    float top = 0.0F;
    float squares = 0.0F;
    for (std::size_t i = 0; i < size; ++i) {
      top = std::max(top, std::fabs(rows[t * size + i]));
      squares += rows[t * size + i] * rows[t * size + i];
    }
    // A sum of squares is not finite where an element is not.
    scales[t] = trellis_ != nullptr      ? std::sqrt(squares / static_cast<float>(size)) / trellis_->unit
                : std::isfinite(squares) ? top / kCodeMax
                                         : squares;
  }
  return scales;
}

float IntCodec::unit_for(std::span<const std::byte> grid, float top) const {
  // Where a scale is not finite the whole page is NaN: better no result than a wrong one.
  if (!std::isfinite(top)) return std::nanf("");
  const float reach = kScaleCodeMax * kScaleCodeMax;
  float unit = grid.empty() ? 0.0F : load_float(grid.data());
  if (!(unit > 0.0F)) return kHeadroom * top / reach;
  while (top > unit * reach) unit *= 2.0F;
  return unit;
}

void IntCodec::store_scales(std::span<const std::byte> grid, std::vector<float>& scales, std::byte* page) const {
  const float unit = unit_for(grid, largest(scales));
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    const float exact = unit > 0.0F ? std::sqrt(std::max(scales[t], 0.0F) / unit) : 0.0F;
    const float code = std::min(trellis_ == nullptr ? std::ceil(exact) : std::nearbyint(exact), kScaleCodeMax);
    page[layout_.scales + t] = static_cast<std::byte>(static_cast<std::uint8_t>(code));
    scales[t] = code * code * unit;
  }
  store_float(unit, page + layout_.scale_unit);
}

std::vector<std::uint8_t> IntCodec::encode_tiles(const std::vector<float>& rows,
                                                 const std::vector<float>& scales) const {
  const std::size_t tile_codes = lines() * kLineBytes;
  std::vector<float> inverse(kPageTokens);
  for (std::size_t t = 0; t < kPageTokens; ++t) inverse[t] = scales[t] > 0.0F ? 1.0F / scales[t] : 0.0F;
  std::vector<std::uint8_t> codes(tiles() * tile_codes);
  std::vector<float> x(tile_codes);
  std::vector<float> weights(tile_codes);
  for (std::size_t tile = 0; tile < tiles(); ++tile) {
    for_tile(tile, [&](std::size_t token, std::size_t from, std::size_t at) {
      x[at] = inverse[token] > 0.0F ? rows[from] * inverse[token] : 0.0F;
      weights[at] = scales[token] * scales[token];
    });
    std::uint8_t* to = &codes[tile * tile_codes];
    if (trellis_ != nullptr) {
      // Along a key all weights are the same; along a channel of values, tokens with large values count for more.
      kernels_->encode_trellis(x.data(), keys() ? nullptr : weights.data(), lines(), trellis_->levels.data(),
                               trellis_->members(), to);
      continue;
    }
    for (std::size_t at = 0; at < tile_codes; ++at) {
      const float code = std::clamp(std::nearbyint(x[at]), -kCodeMax, kCodeMax);
      to[at] = static_cast<std::uint8_t>(static_cast<int>(code) + 128);
    }
  }
  return codes;
}

std::vector<float> IntCodec::decode_tiles(const std::vector<std::uint8_t>& codes) const {
  const std::size_t tile_codes = lines() * kLineBytes;
  std::vector<float> rows(kPageTokens * shape().size);
  std::vector<float> values(tile_codes);
  for (std::size_t tile = 0; tile < tiles(); ++tile) {
    const std::uint8_t* from = &codes[tile * tile_codes];
    if (trellis_ != nullptr) {
      trellis_->decode(from, lines(), values.data());
    } else {
      for (std::size_t at = 0; at < tile_codes; ++at) values[at] = static_cast<float>(from[at]) - 128.0F;
    }
    for_tile(tile, [&](std::size_t, std::size_t to, std::size_t at) { rows[to] = values[at]; });
  }
  return rows;
}

void IntCodec::encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const {
  encode_on({}, rows, first, page);
}

void IntCodec::encode_on(std::span<const std::byte> grid, std::span<const float> rows, std::size_t first,
                         std::span<std::byte> page) const {
  const std::size_t size = shape().size;
  const std::vector<float> mean = store_mean(rows, first, page.data());
  std::vector<float> rest(kPageTokens * size, 0.0F);
  for (std::size_t t = first; t < kPageTokens; ++t) {
    for (std::size_t i = 0; i < size; ++i) rest[t * size + i] = rows[t * size + i] - mean[i];
  }
  std::vector<float> scales = first_scales(rest);
  if (trellis_ == nullptr) store_scales(grid, scales, page.data());
  const std::vector<std::uint8_t> codes = encode_tiles(rest, scales);
  const std::size_t tile_codes = lines() * kLineBytes;
  for (std::size_t tile = 0; tile < tiles(); ++tile) {
    std::uint8_t* to = bytes(&page[tile * tile_bytes()]);
    if (trellis_ != nullptr) {
      trellis_->pack(&codes[tile * tile_codes], lines(), to);
    } else {
      std::memcpy(to, &codes[tile * tile_codes], tile_codes);
    }
  }
  if (trellis_ == nullptr) return;
  // The scale that fits the codes best.
  const std::vector<float> values = decode_tiles(codes);
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    float cross = 0.0F;
    float norm = 0.0F;
    for (std::size_t i = 0; i < size; ++i) {
      cross += rest[t * size + i] * values[t * size + i];
      norm += values[t * size + i] * values[t * size + i];
    }
    scales[t] = scales[t] > 0.0F ? cross / norm : scales[t];
  }
  store_scales(grid, scales, page.data());
}

void IntCodec::decode(std::span<const std::byte> page, std::span<float> rows) const {
  const std::size_t size = shape().size;
  const std::size_t tile_codes = lines() * kLineBytes;
  std::vector<std::uint8_t> codes(tiles() * tile_codes);
  for (std::size_t tile = 0; tile < tiles(); ++tile) {
    const std::uint8_t* from = bytes(&page[tile * tile_bytes()]);
    if (trellis_ != nullptr) {
      trellis_->unpack(from, lines(), &codes[tile * tile_codes]);
    } else {
      std::memcpy(&codes[tile * tile_codes], from, tile_codes);
    }
  }
  const std::vector<float> values = decode_tiles(codes);
  const kernels::LaneScales scales = lane_scales(page.data());
  std::vector<float> mean(size, 0.0F);
  if (keys()) {
    const float unit = load_float(&page[layout_.mean_unit]);
    for (std::size_t i = 0; i < size; ++i)
      mean[i] = unit * static_cast<float>(static_cast<std::int8_t>(page[layout_.mean + i]));
  }
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    const auto code = static_cast<float>(scales.codes[t]);
    for (std::size_t i = 0; i < size; ++i)
      rows[t * size + i] = values[t * size + i] * (code * code * scales.unit) + mean[i];
  }
}

void IntCodec::score_rows(const Queries& queries, const std::byte* page, float* scores,
                          const PageScratch& scratch) const {
  kernels_->dot_rows_i8(queries.values, queries.size, queries.rows, queries.size,
                        reinterpret_cast<const std::int8_t*>(page + layout_.mean), load_float(page + layout_.mean_unit),
                        scratch.row_add);
  kernels::TileOutput to;
  to.out = scores;
  to.stride = kPageTokens;
  to.lane_scales = lane_scales(page);
  to.row_add = scratch.row_add;
  kernels::SplitRows split = queries.split;
  if (trellis_ != nullptr) split.low = nullptr;
  dot()(bytes(page), tiles(), levels(), split, to);
}

void IntCodec::absorb_rows(const kernels::SoftmaxStep& step, const std::byte* page, const PageScratch& scratch) const {
  kernels::SplitPlanes planes = scratch.weights;
  if (trellis_ != nullptr) planes.low = nullptr;
  kernels_->weigh_rows(step, lane_scales(page), planes, scratch.row_shrink);
  kernels::TileOutput to;
  to.out = step.out;
  to.stride = step.size;
  to.accumulate = true;
  to.row_shrink = scratch.row_shrink;
  dot()(bytes(page), tiles(), levels(),
        {planes.high, planes.low, planes.scales, planes.high_starts, planes.low_starts, step.rows, kPageTokens}, to);
}

}  // namespace pith::kv
