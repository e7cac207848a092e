#include "kv/codec/int_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/fail.h"
#include "kv/codec/trellis.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

constexpr float kCodeMax = 127.0F;
constexpr float kScaleCodeMax = 255.0F;
/// Headroom that the scale unit of a head's first page leaves for larger scales of later pages.
constexpr float kHeadroom = 2.0F;

float load_float(const std::byte* p) {
  float x = 0.0F;
  std::memcpy(&x, p, sizeof x);
  return x;
}

void store_float(float x, std::byte* p) { std::memcpy(p, &x, sizeof x); }

const std::uint8_t* bytes(const std::byte* p) { return reinterpret_cast<const std::uint8_t*>(p); }
std::uint8_t* bytes(std::byte* p) { return reinterpret_cast<std::uint8_t*>(p); }

/// Returns the largest number, or NaN if one is not finite.
float largest(std::span<const float> x) {
  float top = 0.0F;
  float poison = 0.0F;
  for (const float v : x) {
    top = std::max(top, v);
    poison += v * 0.0F;
  }
  return top + poison;
}

/// Unpacked codes of one tile.
using TileCodes = std::array<std::uint8_t, kernels::kTileLinesMax * kLineBytes>;

/// Converts 8-bit codes of a tile to unscaled floats.
void spread_tile(const std::uint8_t* codes, std::size_t lines, float* columns, std::size_t stride) {
  for (std::size_t j = 0; j < lines; ++j, columns += 4 * stride, codes += kLineBytes) {
    std::array<std::uint32_t, kLanes> line;
    std::memcpy(line.data(), codes, kLineBytes);
    for (std::size_t c = 0; c < 4; ++c) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        columns[c * stride + lane] =
            static_cast<float>(static_cast<std::int32_t>(line[lane] >> (8 * c) & 0xFFU)) - 128.0F;
      }
    }
  }
}

}  // namespace

IntCodec::IntCodec(const CodecShape& shape, int bits, const kernels::KernelTable& kernels)
    : Codec(shape), bits_(bits), trellis_(nullptr), layout_{}, kernels_(&kernels) {
  // In a key, a code's state comes from an element of the same token. In values it would come from another token, which
  // may be evicted, so they use levels without state.
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

IntCodec::Floats IntCodec::remainders(std::span<const float> rows, std::size_t first, const float* mean) const {
  const std::size_t size = shape().size;
  Floats rest = page_floats();
  kernels_->move_f32.transpose(rows.data(), size, kPageTokens, size, rest.get(), kPageTokens);
  for (std::size_t i = 0; i < size; ++i) {
    float* x = &rest[i * kPageTokens];
    std::fill_n(x, first, 0.0F);
    for (std::size_t t = first; t < kPageTokens; ++t) x[t] -= mean[i];
  }
  return rest;
}

IntCodec::PerToken IntCodec::first_scales(const float* rest) const {
  const std::size_t size = shape().size;
  PerToken top{};
  PerToken squares{};
  for (std::size_t i = 0; i < size; ++i) {
    const float* x = rest + i * kPageTokens;
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      top[t] = std::max(top[t], std::fabs(x[t]));
      squares[t] += x[t] * x[t];
    }
  }
  PerToken scales;
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    // A sum of squares is not finite if an element is not, and makes the scale not finite.
    scales[t] = trellis_ != nullptr         ? std::sqrt(squares[t] / static_cast<float>(size)) / trellis_->unit
                : std::isfinite(squares[t]) ? top[t] / kCodeMax
                                            : squares[t];
  }
  return scales;
}

float IntCodec::unit_for(std::span<const std::byte> grid, float top) const {
  // A scale that is not finite makes the whole page NaN: better no result than a wrong one.
  if (!std::isfinite(top)) return std::nanf("");
  const float reach = kScaleCodeMax * kScaleCodeMax;
  float unit = grid.empty() ? 0.0F : load_float(grid.data());
  if (!(unit > 0.0F)) return kHeadroom * top / reach;
  while (top > unit * reach) unit *= 2.0F;
  return unit;
}

void IntCodec::store_scales(std::span<const std::byte> grid, PerToken& scales, std::byte* page) const {
  const float unit = unit_for(grid, largest(scales));
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    const float exact = unit > 0.0F ? std::sqrt(std::max(scales[t], 0.0F) / unit) : 0.0F;
    const float code = std::min(trellis_ == nullptr ? std::ceil(exact) : std::nearbyint(exact), kScaleCodeMax);
    page[layout_.scales + t] = static_cast<std::byte>(static_cast<std::uint8_t>(code));
    scales[t] = code * code * unit;
  }
  store_float(unit, page + layout_.scale_unit);
}

IntCodec::Floats IntCodec::scaled_columns(std::span<const float> rows, std::size_t first, const float* rest,
                                          const PerToken& scales) const {
  const std::size_t size = shape().size;
  PerToken inverse;
  // Masks: all bits for tokens that have codes, none for others, whose elements may be anything.
  std::array<std::uint32_t, kPageTokens> kept;
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    inverse[t] = scales[t] > 0.0F ? 1.0F / scales[t] : 0.0F;
    kept[t] = inverse[t] > 0.0F ? ~0U : 0U;
  }
  Floats columns = page_floats();
  float* to = columns.get();
  if (keys()) {
    for (std::size_t i = 0; i < size; ++i, to += kPageTokens) {
      const float* x = rest + i * kPageTokens;
      for (std::size_t t = 0; t < kPageTokens; ++t) {
        to[t] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x[t] * inverse[t]) & kept[t]);
      }
    }
    return columns;
  }
  // Values have no mean, so their rows are already the columns of tiles.
  for (std::size_t t = 0; t < kPageTokens; ++t, to += size) {
    if (t < first || kept[t] == 0U) {
      std::fill_n(to, size, 0.0F);
      continue;
    }
    for (std::size_t i = 0; i < size; ++i) to[i] = rows[t * size + i] * inverse[t];
  }
  return columns;
}

void IntCodec::encode_trellis(std::span<const std::byte> grid, const float* columns, const float* rest,
                              PerToken& scales, std::byte* page) const {
  const std::size_t size = shape().size;
  PerToken weights;
  for (std::size_t t = 0; t < kPageTokens; ++t) weights[t] = scales[t] * scales[t];
  Floats values = page_floats();
  TileCodes codes;
  for (std::size_t tile = 0; tile < tiles(); ++tile) {
    // All elements of a key have the same weight; in a channel of values, tokens with large values weigh more.
    kernels_->encode_trellis(columns + tile * kLanes, column_stride(), keys() ? nullptr : weights.data(), lines(),
                             trellis_->levels.data(), trellis_->members(), codes.data());
    trellis_->pack(codes.data(), lines(), bytes(page + tile * tile_bytes()));
    trellis_->decode(codes.data(), lines(), &values[tile * kLanes], column_stride());
  }
  if (!keys()) {
    Floats by_token = page_floats();
    kernels_->move_f32.transpose(values.get(), size, kPageTokens, size, by_token.get(), kPageTokens);
    values = std::move(by_token);
  }
  // The least-squares scale for the codes.
  PerToken cross{};
  PerToken norm{};
  for (std::size_t i = 0; i < size; ++i) {
    const float* x = rest + i * kPageTokens;
    const float* v = &values[i * kPageTokens];
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      cross[t] += x[t] * v[t];
      norm[t] += v[t] * v[t];
    }
  }
  for (std::size_t t = 0; t < kPageTokens; ++t) scales[t] = scales[t] > 0.0F ? cross[t] / norm[t] : scales[t];
  store_scales(grid, scales, page);
}

void IntCodec::encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const {
  encode_on({}, rows, first, page);
}

void IntCodec::encode_on(std::span<const std::byte> grid, std::span<const float> rows, std::size_t first,
                         std::span<std::byte> page) const {
  const std::vector<float> mean = store_mean(rows, first, page.data());
  const Floats rest = remainders(rows, first, mean.data());
  PerToken scales = first_scales(rest.get());
  if (trellis_ == nullptr) store_scales(grid, scales, page.data());
  const Floats columns = scaled_columns(rows, first, rest.get(), scales);
  if (trellis_ != nullptr) return encode_trellis(grid, columns.get(), rest.get(), scales, page.data());
  for (std::size_t tile = 0; tile < tiles(); ++tile) {
    kernels_->encode_codes8(&columns[tile * kLanes], column_stride(), lines(), bytes(&page[tile * tile_bytes()]));
  }
}

void IntCodec::decode(std::span<const std::byte> page, std::span<float> rows) const {
  const std::size_t size = shape().size;
  const Floats columns = page_floats();
  for (std::size_t tile = 0; tile < tiles(); ++tile) {
    const std::uint8_t* from = bytes(&page[tile * tile_bytes()]);
    float* to = &columns[tile * kLanes];
    if (trellis_ == nullptr) {
      spread_tile(from, lines(), to, column_stride());
      continue;
    }
    TileCodes codes;
    trellis_->unpack(from, lines(), codes.data());
    trellis_->decode(codes.data(), lines(), to, column_stride());
  }
  const kernels::LaneScales stored = lane_scales(page.data());
  PerToken scales;
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    const auto code = static_cast<float>(stored.codes[t]);
    scales[t] = code * code * stored.unit;
  }
  if (!keys()) {
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      for (std::size_t i = 0; i < size; ++i) rows[t * size + i] = columns[t * size + i] * scales[t] + 0.0F;
    }
    return;
  }
  const float mean_unit = load_float(&page[layout_.mean_unit]);
  for (std::size_t i = 0; i < size; ++i) {
    const float mean = mean_unit * static_cast<float>(static_cast<std::int8_t>(page[layout_.mean + i]));
    float* x = &columns[i * kPageTokens];
    for (std::size_t t = 0; t < kPageTokens; ++t) x[t] = x[t] * scales[t] + mean;
  }
  kernels_->move_f32.transpose(columns.get(), kPageTokens, size, kPageTokens, rows.data(), size);
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

void IntCodec::accumulate_rows(const kernels::SoftmaxStep& step, const std::byte* page,
                               const PageScratch& scratch) const {
  kernels::SplitPlanes planes = scratch.weights;
  if (trellis_ != nullptr) planes.low = nullptr;
  kernels_->softmax_quantize_rows(step, lane_scales(page), planes, scratch.row_shrink);
  kernels::TileOutput to;
  to.out = step.out;
  to.stride = step.size;
  to.accumulate = true;
  to.row_shrink = scratch.row_shrink;
  dot()(bytes(page), tiles(), levels(),
        {planes.high, planes.low, planes.scales, planes.high_zero_terms, planes.low_zero_terms, step.rows, kPageTokens},
        to);
}

}  // namespace pith::kv
