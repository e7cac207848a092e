#pragma once

// Views that kernels take. Plain data only: this header is compiled with wide instruction sets.
#include <cstddef>
#include <cstdint>

namespace pith::kernels {

/// Rows of a weight panel, tokens of a key tile, dims of a value tile: what one logical vector holds.
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
};
inline constexpr std::size_t kPackedFormats = 15;

/// Where integer sums of formats without a min begin: at -zero point * sum of the activation codes (by half group where
/// a format has scales by half). So the zero point costs nothing.
enum class Start : std::uint8_t { kZero8, kZero16, kZero128, kHalfZero4, kHalfZero32, kNone };
inline constexpr std::size_t kStarts = 5;

/// Inlined always: no unit of wide instructions may leave a copy for others.
[[gnu::always_inline]] constexpr std::int32_t zero_point(Start start) {
  constexpr std::int32_t kZeros[kStarts + 1] = {8, 16, 128, 4, 32, 0};
  return kZeros[static_cast<std::size_t>(start)];
}
constexpr bool by_half(Start start) { return start == Start::kHalfZero4 || start == Start::kHalfZero32; }
constexpr Start start_of(PackedFormat format) {
  switch (format) {
    case PackedFormat::kQ4_0:
      return Start::kZero8;
    case PackedFormat::kQ5_0:
      return Start::kZero16;
    case PackedFormat::kQ8_0:
    case PackedFormat::kIQ4_NL:
    case PackedFormat::kIQ4_XS:
      return Start::kZero128;
    case PackedFormat::kQ3_K:
      return Start::kHalfZero4;
    case PackedFormat::kQ6_K:
      return Start::kHalfZero32;
    default:
      return Start::kNone;
  }
}

/// Activation rows of a block: within one, a group's codes and scales lie at fixed distances from each other, so that a
/// kernel addresses all of them from one pointer.
inline constexpr std::size_t kBlockRows = 12;

/// Blocks whose second planes lie together: enough rows for a group to have several, few enough to share the work.
inline constexpr std::size_t kTileBlocks = 8;
inline constexpr std::size_t kTileRows = kTileBlocks * kBlockRows;

constexpr std::size_t row_tiles(std::size_t rows) { return (rows + kTileRows - 1) / kTileRows; }

/// Where group `group` of row `row` lies in an array [blocks, groups, 12].
constexpr std::size_t group_at(std::size_t groups, std::size_t row, std::size_t group) {
  return (row / kBlockRows * groups + group) * kBlockRows + row % kBlockRows;
}

/// Second planes of the groups of a tile that stand out of their rows, for what the first planes leave over: x ~ scale
/// * code + low_scale * low. The few channels with huge values carry most of the rounding error of a row. A group's lie
/// behind one another, in any order of their rows: [tiles, groups, ...], of whose 96 slots `counts` are used.
struct SecondPlanes {
  std::uint8_t* counts = nullptr;  ///< [tiles, groups]
  std::uint8_t* rows = nullptr;    ///< [tiles, groups, 96]: row of the tile
  std::int8_t* codes = nullptr;    ///< [tiles, groups, 96, 32]
  float* scales = nullptr;         ///< [tiles, groups, 96]
  std::int32_t* sums = nullptr;    ///< [tiles, groups, 2, 96]: of the codes, by half group
};

/// Activations of M tokens: float32 always, int8 where a quantized weight asks for it. Row m is row m % 12 of block
/// m / 12.
struct Activations {
  const float* values = nullptr;             ///< [rows, columns], `stride` apart
  const std::int8_t* codes = nullptr;        ///< [blocks, groups, 12, 32]
  const float* scales = nullptr;             ///< [blocks, groups, 12]
  const float* sums = nullptr;               ///< [blocks, groups, 12]: the sum of the group, second planes included
  const float* half_sums = nullptr;          ///< [blocks, groups, 2, 12]: the same by half group
  const std::int32_t* starts[kStarts] = {};  ///< [blocks, groups, 12 or 2, 12] by Start; null where nothing asks for it
  SecondPlanes low;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;
};

/// Where the codes of activation rows go; the members as in Activations.
struct CodeRows {
  std::int8_t* codes = nullptr;
  float* scales = nullptr;
  float* sums = nullptr;
  float* half_sums = nullptr;
  std::int32_t* starts[kStarts] = {};
  SecondPlanes low;
};

/// Members of Activations or CodeRows from a block on; not those of second planes. Inlined always: a copy that was
/// compiled with wide instructions must not become everybody's.
template <typename View>
[[gnu::always_inline]] constexpr void skip_blocks(View& view, std::size_t blocks, std::size_t groups) {
  const std::size_t at = blocks * groups * kBlockRows;
  view.codes += at * kGroup;
  view.scales += at;
  view.sums += at;
  view.half_sums += 2 * at;
  for (std::size_t i = 0; i < kStarts; ++i) {
    if (view.starts[i] != nullptr) view.starts[i] += (by_half(static_cast<Start>(i)) ? 2 : 1) * at;
  }
}

/// All members from a tile on.
template <typename View>
[[gnu::always_inline]] constexpr void skip_tiles(View& view, std::size_t tiles, std::size_t groups) {
  skip_blocks(view, tiles * kTileBlocks, groups);
  const std::size_t at = tiles * groups;
  view.low.counts += at;
  view.low.rows += at * kTileRows;
  view.low.codes += at * kTileRows * kGroup;
  view.low.scales += at * kTileRows;
  view.low.sums += 2 * at * kTileRows;
}

/// One panel (16 output rows) times all activation rows: out[m * stride + lane].
using MatmulKernel = void (*)(const std::uint8_t* panel, const Activations& x, float* out, std::size_t stride);

/// Two panels, one behind the other, times one activation row: out[lane] of the first, then of the second.
using MatvecKernel = void (*)(const std::uint8_t* panels, std::size_t panel_bytes, const Activations& x, float* out);

/// Split rows lie in blocks of so many rows by so many columns, whatever their number, so that kernels reach the rows
/// of a block at constant distances.
inline constexpr std::size_t kSplitRows = 16;
inline constexpr std::size_t kSplitColumns = 64;

/// Vectors in 16 bits, split in two int8 planes: value = scale * (256 * high + low). The high plane alone is the vector
/// in 8 bits. Levels are unsigned and 128 means zero, so a row's sums over them start at -128 times the sum of its
/// codes.
struct SplitRows {
  const std::int8_t* high = nullptr;          ///< [rows / 16][columns / 64][16 rows][64 columns], both rounded up
  const std::int8_t* low = nullptr;           ///< The same; null: none is read.
  const float* scales = nullptr;              ///< [rows]
  const std::int32_t* high_starts = nullptr;  ///< [rows]
  const std::int32_t* low_starts = nullptr;   ///< [rows]; null where low is
  std::size_t rows = 0;
  std::size_t columns = 0;
};

/// Where split rows go; the members as in SplitRows.
struct SplitPlanes {
  std::int8_t* high = nullptr;
  std::int8_t* low = nullptr;
  float* scales = nullptr;
  std::int32_t* high_starts = nullptr;
  std::int32_t* low_starts = nullptr;
};

/// Scales of tokens in 8 bits: unit * code^2. The square keeps small scales precise beside a large one.
struct LaneScales {
  const std::uint8_t* codes = nullptr;
  float unit = 1.0F;
};

/// What a dot over tiles does with its sums.
struct TileOutput {
  float* out = nullptr;  ///< [rows, tiles * 16], `stride` apart
  std::size_t stride = 0;
  /// False: out[n][lane] = row_add[n] + sum * lane_scale[lane]. True: out[n][lane] = row_shrink[n] * out[n][lane] +
  /// sum.
  bool accumulate = false;
  LaneScales lane_scales;             ///< [tiles * 16]
  const float* row_add = nullptr;     ///< [rows]
  const float* row_shrink = nullptr;  ///< [rows]
};

/// Lines of 4 columns that a tile of codes has at most.
inline constexpr std::size_t kTileLinesMax = 128;
/// Codes of `tiles` tiles, each [columns / 4 lines][16 lanes][4], times split rows. Codes stand for unsigned levels of
/// which 128 is zero; the levels' order is the format's (docs/formats/kv_page.md).
using CodeDotKernel = void (*)(const std::uint8_t* codes, std::size_t tiles, const std::uint8_t* levels,
                               const SplitRows& x, const TileOutput& to);

/// Trellises of a tile, one for each lane and column mod 4: the codes [lines][16 lanes][4] whose levels are nearest to
/// the tile's columns, each 16 lanes at x + column * stride, errors weighted by weights [columns] (null: 1). levels
/// [2 states][2 next states][kTrellisMembers], of which `members` (8, 4 or 2) count; a code is next state * members +
/// member. The state before the first line is 0.
inline constexpr std::size_t kTrellisMembers = 8;
using TrellisKernel = void (*)(const float* x, std::size_t stride, const float* weights, std::size_t lines,
                               const float* levels, std::size_t members, std::uint8_t* codes);

/// Float elements of `tiles` tiles, each [columns][16 lanes], `tile_bytes` apart, times float rows [rows, columns]:
/// out[n][lane] = sum, or += sum. Outputs are `stride` apart.
struct FloatTiles {
  const void* elements = nullptr;
  std::size_t tiles = 0;
  std::size_t tile_bytes = 0;
};
struct FloatRows {
  const float* x = nullptr;
  std::size_t stride = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
};
using FloatDotKernel = void (*)(const FloatTiles& tiles, const FloatRows& rows, float* out, std::size_t stride,
                                bool accumulate);

/// Matrices [rows, columns], rows `stride` elements apart, as floats: copy keeps rows, transpose makes columns of them.
/// Rows and columns are multiples of 16, but for rows of copy.
using MoveKernel = void (*)(const void* x, std::size_t stride, std::size_t rows, std::size_t columns, float* out,
                            std::size_t out_stride);
struct MoveKernels {
  MoveKernel copy, transpose;
};

/// Rows of limit_dots(): as many sums as hide the latency of a product on every instruction set.
inline constexpr std::size_t kLimitRows = 12;

/// Tokens [begin, end) of a page.
struct TokenRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Scores of query rows over one page, in base 2 (the exponential of a score s is 2^s), and what the rows have gathered
/// so far: unnormalized outputs, the sum of their weights, and the logarithm of the scale that both are in. Any
/// reference would do; that of the largest weight keeps all numbers small.
struct SoftmaxStep {
  float* scores = nullptr;  ///< [rows, length], `stride` apart
  std::size_t stride = 0;
  std::size_t rows = 0;
  std::size_t length = 0;              ///< A multiple of 16.
  const TokenRange* ranges = nullptr;  ///< [rows]: what each row sees; null: everything
  float* references = nullptr;         ///< [rows]; minus infinity: the row has seen nothing
  float* sums = nullptr;               ///< [rows]
  float* out = nullptr;                ///< [rows, size]
  std::size_t size = 0;
};

/// The length that weigh_rows() takes.
inline constexpr std::size_t kWeighedTokens = 64;

}  // namespace pith::kernels
