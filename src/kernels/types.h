#pragma once

// The views that kernels read and write. Plain data only: this header is compiled with wide instruction sets.
#include <cstddef>
#include <cstdint>

namespace pith::kernels {

/// Lanes of a logical vector: the rows of a weight panel, the tokens of a key tile, or the dimensions of a value tile.
inline constexpr std::size_t kLanes = 16;
/// Columns that share one activation scale.
inline constexpr std::size_t kGroup = 32;

/// Packed weight formats: docs/formats/packed_weights.md.
enum class PackedFormat : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
  kMXFP4,
  kNVFP4,
  kQ8_K,
  kIQ3_S,
  kIQ3_XXS,
  kIQ2,
  kIQ1_M,
  kTQ2_0,
  kIQ1_S,
};
inline constexpr std::size_t kPackedFormats = 24;

/// Which zero-point term a format without a min needs: -zero_point * sum(activation codes), summed over a group, or
/// over each half of it (kHalf...) where the format has scales per half group. It is the initial value of the integer
/// sums, which folds the zero point into the dot product.
enum class ZeroTerm : std::uint8_t { kZero8, kZero16, kZero64, kZero128, kHalfZero4, kHalfZero32, kHalfZero64, kNone };
inline constexpr std::size_t kZeroTerms = 7;

/// Always inlined, so that no out-of-line copy compiled with wide instructions can be linked into other code.
[[gnu::always_inline]] constexpr std::int32_t zero_point(ZeroTerm zero_term) {
  constexpr std::int32_t kZeros[kZeroTerms + 1] = {8, 16, 64, 128, 4, 32, 64, 0};
  return kZeros[static_cast<std::size_t>(zero_term)];
}
constexpr bool by_half(ZeroTerm zero_term) {
  return zero_term == ZeroTerm::kHalfZero4 || zero_term == ZeroTerm::kHalfZero32 || zero_term == ZeroTerm::kHalfZero64;
}
constexpr ZeroTerm zero_term_of(PackedFormat format) {
  switch (format) {
    case PackedFormat::kQ4_0:
      return ZeroTerm::kZero8;
    case PackedFormat::kQ5_0:
      return ZeroTerm::kZero16;
    case PackedFormat::kMXFP4:
    case PackedFormat::kIQ3_S:
    case PackedFormat::kIQ3_XXS:
    case PackedFormat::kTQ2_0:
      return ZeroTerm::kZero64;
    case PackedFormat::kQ8_0:
    case PackedFormat::kQ8_K:
    case PackedFormat::kIQ4_NL:
    case PackedFormat::kIQ4_XS:
      return ZeroTerm::kZero128;
    case PackedFormat::kQ3_K:
      return ZeroTerm::kHalfZero4;
    case PackedFormat::kQ6_K:
      return ZeroTerm::kHalfZero32;
    case PackedFormat::kNVFP4:
    case PackedFormat::kIQ2:
    case PackedFormat::kIQ1_M:
      return ZeroTerm::kHalfZero64;
    default:
      return ZeroTerm::kNone;
  }
}

/// Activation rows per block. Within a block, a group's codes and scales are at fixed distances from each other, so a
/// kernel addresses all of them from one pointer.
inline constexpr std::size_t kBlockRows = 12;

/// Blocks per tile, whose residual planes are stored together: enough rows for a group to have several outliers, few
/// enough rows to split the work among threads.
inline constexpr std::size_t kTileBlocks = 8;
inline constexpr std::size_t kTileRows = kTileBlocks * kBlockRows;

/// Tiles that `rows` rows take.
constexpr std::size_t row_tiles(std::size_t rows) { return (rows + kTileRows - 1) / kTileRows; }

/// Residual planes: second int8 codes for the outlier groups of a tile, which hold what the first codes leave over:
/// x ~ scale * code + residual_scale * residual_code. The few channels with huge values cause most of a row's rounding
/// error. Each group of a tile has 96 slots, of which the first `counts` are used, in any order of rows.
struct ResidualPlanes {
  std::uint8_t* counts = nullptr;  ///< [tiles, groups]
  std::uint8_t* rows = nullptr;    ///< [tiles, groups, 96]: which row of the tile
  std::int8_t* codes = nullptr;    ///< [tiles, groups, 96, 32]
  float* scales = nullptr;         ///< [tiles, groups, 96]
  std::int32_t* sums = nullptr;    ///< [tiles, groups, 2, 96]: sums of the codes per half group
};

/// Activations of M tokens: always as float32, and as int8 where a quantized weight matrix reads them. Row m is row m %
/// 12 of block m / 12.
struct Activations {
  const float* values = nullptr;                    ///< [rows, columns], `stride` apart
  const std::int8_t* codes = nullptr;               ///< [blocks, groups, 12, 32]
  const float* scales = nullptr;                    ///< [blocks, groups, 12]
  const float* sums = nullptr;                      ///< [blocks, groups, 12]: the group's sum, residual included
  const float* half_sums = nullptr;                 ///< [blocks, groups, 2, 12]: the same per half group
  const std::int32_t* zero_terms[kZeroTerms] = {};  ///< [blocks, groups, 12 or 2, 12]; null: unused
  ResidualPlanes residual;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;
};

/// Where quantized activation rows are written; the members are those of Activations.
struct CodeRows {
  std::int8_t* codes = nullptr;
  float* scales = nullptr;
  float* sums = nullptr;
  float* half_sums = nullptr;
  std::int32_t* zero_terms[kZeroTerms] = {};
  ResidualPlanes residual;
};

/// Advances the members of Activations or CodeRows by whole blocks, except the residual planes, which belong to tiles.
/// Always inlined, for the same reason as zero_point().
template <typename View>
[[gnu::always_inline]] constexpr void skip_blocks(View& view, std::size_t blocks, std::size_t groups) {
  const std::size_t at = blocks * groups * kBlockRows;
  view.codes += at * kGroup;
  view.scales += at;
  view.sums += at;
  view.half_sums += 2 * at;
  for (std::size_t i = 0; i < kZeroTerms; ++i) {
    if (view.zero_terms[i] != nullptr) view.zero_terms[i] += (by_half(static_cast<ZeroTerm>(i)) ? 2 : 1) * at;
  }
}

/// Advances all members by whole tiles.
template <typename View>
[[gnu::always_inline]] constexpr void skip_tiles(View& view, std::size_t tiles, std::size_t groups) {
  skip_blocks(view, tiles * kTileBlocks, groups);
  const std::size_t at = tiles * groups;
  view.residual.counts += at;
  view.residual.rows += at * kTileRows;
  view.residual.codes += at * kTileRows * kGroup;
  view.residual.scales += at * kTileRows;
  view.residual.sums += 2 * at * kTileRows;
}

/// Multiplies one panel (16 output rows) with all activation rows: out[m * stride + lane].
using MatmulKernel = void (*)(const std::uint8_t* panel, const Activations& x, float* out, std::size_t stride);

/// Multiplies two adjacent panels with one activation row: out[0..15] belongs to the first, out[16..31] to the second.
using MatvecKernel = void (*)(const std::uint8_t* panels, std::size_t panel_bytes, const Activations& x, float* out);

/// Rows and columns per block of split rows. Block sizes are constant, so a kernel reaches the rows of a block at
/// constant distances.
inline constexpr std::size_t kSplitRows = 16;
inline constexpr std::size_t kSplitColumns = 64;

/// Vectors of 16-bit integers split into two int8 planes: value = scale * (256 * high + low). The high plane alone is
/// the vector in 8 bits. They are multiplied with unsigned levels whose zero point is 128, so each row has a zero-point
/// term per plane: -128 * sum(codes).
struct SplitRows {
  const std::int8_t* high = nullptr;              ///< [rows / 16][columns / 64][16 rows][64 columns], both rounded up
  const std::int8_t* low = nullptr;               ///< Likewise; null: the high plane is used alone.
  const float* scales = nullptr;                  ///< [rows]
  const std::int32_t* high_zero_terms = nullptr;  ///< [rows]
  const std::int32_t* low_zero_terms = nullptr;   ///< [rows]; null if low is
  std::size_t rows = 0;
  std::size_t columns = 0;
};

/// Where split rows are written; the members are those of SplitRows.
struct SplitPlanes {
  std::int8_t* high = nullptr;
  std::int8_t* low = nullptr;
  float* scales = nullptr;
  std::int32_t* high_zero_terms = nullptr;
  std::int32_t* low_zero_terms = nullptr;
};

/// 8-bit scales, one per lane: unit * code^2. Squaring keeps small scales precise beside a large one.
struct LaneScales {
  const std::uint8_t* codes = nullptr;
  float unit = 1.0F;
};

/// Where a dot over tiles puts its sums.
struct TileOutput {
  float* out = nullptr;  ///< [rows, tiles * 16], `stride` apart
  std::size_t stride = 0;
  /// False: out[n][lane] = row_add[n] + sum * lane_scale[lane].
  /// True: out[n][lane] = row_shrink[n] * out[n][lane] + sum.
  bool accumulate = false;
  LaneScales lane_scales;             ///< [tiles * 16]
  const float* row_add = nullptr;     ///< [rows]
  const float* row_shrink = nullptr;  ///< [rows]
};

/// The most lines (of 4 columns) in a tile of codes.
inline constexpr std::size_t kTileLinesMax = 256;
/// Multiplies `tiles` tiles of codes, each [columns / 4 lines][16 lanes][4 columns], with split rows. Codes stand for
/// unsigned levels with zero point 128; docs/formats/kv_page.md has the order of `levels` for each format.
using CodeDotKernel = void (*)(const std::uint8_t* codes, std::size_t tiles, const std::uint8_t* levels,
                               const SplitRows& x, const TileOutput& to);

/// Encodes a tile by trellis search, one sequence per lane and column mod 4. Finds the codes [lines][16 lanes][4
/// columns] whose levels have the least squared error from the tile's columns, each 16 lanes at x + column * stride,
/// weighted by weights [columns] (null: 1). levels is [2 states][2 next states][kTrellisMembers], of which the first
/// `members` (8, 4 or 2) are used. A code is next_state * members + member; the state before the first line is 0.
inline constexpr std::size_t kTrellisMembers = 8;
using TrellisKernel = void (*)(const float* x, std::size_t stride, const float* weights, std::size_t lines,
                               const float* levels, std::size_t members, std::uint8_t* codes);

/// A causal convolution of 16 channels.
struct Convolution {
  const float* weights = nullptr;  ///< [taps][16], that of the newest token last
  const float* bias = nullptr;     ///< [16]; null: none
  std::size_t taps = 0;            ///< At least 2.
  bool activate = false;           ///< Whether silu follows.
};

/// 16 channels of consecutive tokens.
struct ChannelRows {
  float* x = nullptr;  ///< [tokens][16], `stride` apart
  std::size_t tokens = 0;
  std::size_t stride = 0;
};

/// Consecutive tokens of one head, with 16 of its values, on their way through its state.
struct StateRows {
  std::size_t tokens = 0;
  std::size_t keys = 0;          ///< Elements of a key, a multiple of 4.
  const float* key = nullptr;    ///< [tokens][keys], `stride` apart, as are `query` and `value`
  const float* query = nullptr;  ///< [tokens][keys]
  const float* value = nullptr;  ///< [tokens][16]
  std::size_t stride = 0;
  const float* decay = nullptr;  ///< [tokens], `rate_stride` apart: what a state is multiplied by
  const float* share = nullptr;  ///< [tokens], `rate_stride` apart: what is written is multiplied by it
  std::size_t rate_stride = 0;
  float skip = 0.0F;     ///< The share of the value itself in the output.
  float* out = nullptr;  ///< [tokens][16], `out_stride` apart
  std::size_t out_stride = 0;
};

/// Float elements of `tiles` tiles, each [columns][16 lanes], `tile_bytes` apart.
struct FloatTiles {
  const void* elements = nullptr;
  std::size_t tiles = 0;
  std::size_t tile_bytes = 0;
};
/// Float rows [rows, columns], `stride` floats apart.
struct FloatRows {
  const float* x = nullptr;
  std::size_t stride = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
};
/// Multiplies tiles with rows: out[n * stride + 16 * tile + lane] = sum, or += sum if `accumulate`.
using FloatDotKernel = void (*)(const FloatTiles& tiles, const FloatRows& rows, float* out, std::size_t stride,
                                bool accumulate);

/// Widens a matrix [rows, columns], rows `stride` elements apart, to float32: `copy` keeps its shape, `transpose`
/// writes [columns, rows]. Output rows are `out_stride` floats apart. Rows and columns are multiples of 16, except that
/// `copy` takes any number of rows.
using MoveKernel = void (*)(const void* x, std::size_t stride, std::size_t rows, std::size_t columns, float* out,
                            std::size_t out_stride);
struct MoveKernels {
  MoveKernel copy, transpose;
};

/// Rows of limit_dots(): enough independent sums to hide the latency of a product on every instruction set.
inline constexpr std::size_t kLimitRows = 12;

/// The tokens [begin, end) of a page.
struct TokenRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// One page of a running softmax. Scores are in base 2 (a score s has weight 2^s). A row's state is its unnormalized
/// output, the sum of its weights, and the reference that was subtracted from all scores. Any reference gives the same
/// result; the largest score so far keeps the weights at most 1.
struct SoftmaxStep {
  float* scores = nullptr;  ///< [rows, length], `stride` apart
  std::size_t stride = 0;
  std::size_t rows = 0;
  std::size_t length = 0;              ///< A multiple of 16.
  const TokenRange* ranges = nullptr;  ///< [rows]: the tokens that each row sees; null: all of them
  float* references = nullptr;         ///< [rows]; minus infinity: the row has seen no token yet
  float* sums = nullptr;               ///< [rows]
  float* out = nullptr;                ///< [rows, size]
  std::size_t size = 0;
};

/// The page length that softmax_quantize_rows() takes.
inline constexpr std::size_t kSoftmaxPageTokens = 64;

}  // namespace pith::kernels
