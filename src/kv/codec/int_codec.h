#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "kv/codec/codec.h"

namespace pith::kv {

struct Trellis;

/// Integer codes with one 8-bit scale per token, in the rotated basis, where elements are nearly normal: int8 on a
/// linear grid; int4, int3 and int2 with a trellis whose scale is refitted by least squares. The page's mean is
/// subtracted from keys first and added back to scores exactly, as query . mean. Page layout: docs/formats/kv_page.md.
class IntCodec final : public Codec {
 public:
  /// `bits` is 8, 4, 3 or 2. Throws Error(kUnsupported) for vectors of more than 512 elements.
  IntCodec(const CodecShape& shape, int bits, const kernels::KernelTable& kernels);

  bool wants_rotation() const override { return true; }
  bool reads_split_queries() const override { return true; }

  std::size_t page_bytes() const override;
  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override;
  void decode(std::span<const std::byte> page, std::span<float> rows) const override;
  void score_rows(const Queries& queries, const std::byte* page, float* scores,
                  const PageScratch& scratch) const override;
  void accumulate_rows(const kernels::SoftmaxStep& step, const std::byte* page,
                       const PageScratch& scratch) const override;

  bool movable() const override { return true; }
  /// Returns the scale unit.
  std::vector<std::byte> grid(const std::byte* page) const override;
  /// Keys: returns the page's mean. Values have no origin.
  std::vector<std::byte> origin(const std::byte* page) const override;
  void encode_on(std::span<const std::byte> grid, std::span<const float> rows, std::size_t first,
                 std::span<std::byte> page) const override;
  void begin_page(std::span<const std::byte> grid, std::byte* page) const override;
  void copy_token(const std::byte* source, std::size_t from, std::byte* target, std::size_t to) const override;
  void add_origins(const Queries& queries, std::span<const Origin> origins, float* scores) const override;
  void add_origins(std::span<const Origin> origins, std::span<float> rows) const override;

 private:
  /// Offsets of what follows the codes.
  struct Layout {
    std::size_t scales;      ///< u8 [kPageTokens]: scale = unit * code^2
    std::size_t mean;        ///< Keys only: i8 [size]
    std::size_t mean_unit;   ///< Keys only: f32
    std::size_t scale_unit;  ///< f32
    std::size_t end;
  };

  bool keys() const { return shape().side == KvSide::kKeys; }
  std::size_t tiles() const { return (keys() ? kPageTokens : shape().size) / kernels::kLanes; }
  /// Returns the lines of a tile: groups of 4 columns.
  std::size_t lines() const { return (keys() ? shape().size : kPageTokens) / 4; }
  /// Returns code `element` of a token.
  std::uint8_t code_at(const std::byte* page, std::size_t token, std::size_t element) const;
  /// Writes a code whose bits in the page are 0.
  void set_code(std::byte* page, std::size_t token, std::size_t element, std::uint8_t code) const;
  std::size_t tile_bytes() const { return lines() * 8 * static_cast<std::size_t>(bits_); }
  kernels::CodeDotKernel dot() const;
  const std::uint8_t* levels() const;
  kernels::LaneScales lane_scales(const std::byte* page) const;

  using PerToken = std::array<float, kPageTokens>;
  /// A page's elements in one of two orders. By token: [size][kPageTokens], so that sums per token are vectorized. As
  /// columns of tiles: [size][kPageTokens] for keys, [kPageTokens][size] for values.
  using Floats = std::unique_ptr<float[]>;
  Floats page_floats() const { return std::make_unique_for_overwrite<float[]>(kPageTokens * shape().size); }
  std::size_t column_stride() const { return keys() ? kPageTokens : shape().size; }

  /// Stores the mean of the rows from `first` on and returns it as stored; zeros for values.
  std::vector<float> store_mean(std::span<const float> rows, std::size_t first, std::byte* page) const;
  /// Returns the rows from `first` on minus their mean, zeros before; by token.
  Floats remainders(std::span<const float> rows, std::size_t first, const float* mean) const;
  PerToken first_scales(const float* rest) const;
  /// Returns a unit for scales up to `top`: the grid's, times the power of two that it takes.
  float unit_for(std::span<const std::byte> grid, float top) const;
  /// Stores the scales and sets them to their stored values. Rounds up where codes must not overflow.
  void store_scales(std::span<const std::byte> grid, PerToken& scales, std::byte* page) const;
  /// Returns the remainders divided by their scales, as columns of tiles.
  Floats scaled_columns(std::span<const float> rows, std::size_t first, const float* rest,
                        const PerToken& scales) const;
  /// Encodes those columns, then computes and stores the scales that fit the codes best.
  void encode_trellis(std::span<const std::byte> grid, const float* columns, const float* rest, PerToken& scales,
                      std::byte* page) const;

  int bits_;
  const Trellis* trellis_;  ///< Null at 8 bits
  Layout layout_;
  const kernels::KernelTable* kernels_;
};

}  // namespace pith::kv
