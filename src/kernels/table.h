#pragma once

#include "kernels/types.h"

namespace pith::kernels {

/// Every operation of the hot path, once per instruction set, behind plain function pointers.
/// Kernels start no threads (callers split the work), allocate nothing, and do not check shapes (callers do).
/// They keep no state, so any thread may call any of them.
struct KernelTable {
  const char* name;

  /// Quantizes rows of x to int8 with one scale per group of 32 columns, and adds a residual plane to outlier groups
  /// (see Activations). A group that contains NaN or infinity gets a NaN scale. `columns` is a multiple of 32. x
  /// [rows, columns] is contiguous; its first row is row `first` of `to`. The caller zeroes the counts of residual
  /// planes before the first call. Calls for different rows may run concurrently. Whole blocks of 12 rows are fastest.
  void (*quantize_rows)(const float* x, std::size_t first, std::size_t rows, std::size_t columns, const CodeRows& to);
  /// Products of one weight panel, indexed by PackedFormat.
  MatmulKernel matmul[kPackedFormats];
  MatvecKernel matvec[kPackedFormats];

  /// out = x * weight / sqrt(mean(x^2) + eps). `out` may be x. Any length.
  void (*rms_norm)(const float* x, const float* weight, std::size_t length, float eps, float* out);
  /// x += y. Any length.
  void (*add)(float* x, const float* y, std::size_t length);
  /// x *= factor. Any length.
  void (*scale)(float* x, float factor, std::size_t length);
  /// gate = silu(gate) * up. Any length.
  void (*silu_mul)(float* gate, const float* up, std::size_t length);
  /// gate = gelu(gate) * up, with the tanh approximation of GELU. Any length.
  void (*gelu_mul)(float* gate, const float* up, std::size_t length);
  /// gate = min(gate, 7) * sigmoid(1.702 * min(gate, 7)) * (1 + clamp(up, -7, 7)). Any length.
  void (*clamped_swiglu)(float* gate, const float* up, std::size_t length);
  /// x = cap * tanh(x / cap), so that no magnitude exceeds `cap`, which is above 0. Any length.
  void (*softcap)(float* x, std::size_t length, float cap);

  /// x *= sigmoid(gate). Any length.
  void (*sigmoid_mul)(float* x, const float* gate, std::size_t length);
  /// x = max(x, 0)^2. Any length.
  void (*squared_relu)(float* x, std::size_t length);
  /// Convolves 16 channels of consecutive tokens in place. history [taps - 1][16] holds what came before, oldest first,
  /// and holds the newest of `rows` afterwards.
  void (*convolve)(const Convolution& convolution, float* history, const ChannelRows& rows);
  /// Updates 16 columns of a head's state, [keys][16], token by token, and reads them: S = decay S, then
  /// S += key share (value - S^T key)^T, out = S^T query + skip value.
  void (*delta_rule)(const StateRows& rows, float* state);
  /// The same with S += key share value^T.
  void (*state_space)(const StateRows& rows, float* state);

  /// Applies the Walsh-Hadamard transform in place to `size` floats (a power of two, at least 16). It is normalized, so
  /// it is its own inverse.
  void (*hadamard)(float* x, std::size_t size);

  /// Quantizes rows of x, `stride` floats apart, to 16 bits in two int8 planes (SplitRows). `columns` is a multiple of
  /// 16.
  void (*quantize_int16_rows)(const float* x, std::size_t stride, std::size_t rows, std::size_t columns,
                              const SplitPlanes& to);
  /// Dots over 8-bit codes, one per byte: a code is its own level, so no levels are looked up.
  CodeDotKernel dot_codes8;
  /// Dots over trellis codes of 4, 3 and 2 bits, with 32, 16 and 8 levels.
  CodeDotKernel dot_trellis4;
  CodeDotKernel dot_trellis3;
  CodeDotKernel dot_trellis2;
  /// Encodes a tile's columns, each 16 lanes at x + column * stride, as codes [lines][16 lanes][4 columns]: 128 + x,
  /// where x is rounded to nearest even and clamped to [-127, 127]. NaN becomes 128.
  void (*encode_codes8)(const float* x, std::size_t stride, std::size_t lines, std::uint8_t* codes);
  TrellisKernel encode_trellis;
  FloatDotKernel dot_f32;
  FloatDotKernel dot_f16;
  FloatDotKernel dot_bf16;
  /// Widen matrices of float elements to float32, either copied or transposed.
  MoveKernels move_f32;
  MoveKernels move_f16;
  MoveKernels move_bf16;
  /// Converts to f16, rounding to nearest even. Values beyond the finite range, infinities included, are clamped to it;
  /// NaN stays NaN. `length` is a multiple of 16.
  void (*narrow_f16)(const float* x, std::size_t length, std::uint16_t* out);
  /// out[n] = unit * dot(x[n], y). Rows of x are `stride` floats apart; `columns` is a multiple of 16.
  void (*dot_rows_i8)(const float* x, std::size_t stride, std::size_t rows, std::size_t columns, const std::int8_t* y,
                      float unit, float* out);
  /// One step of a running softmax: scores within a row's range become 2^(score - reference), all others zero. Updates
  /// references and sums, and scales the outputs down where the reference grew.
  void (*softmax_rows)(const SoftmaxStep& step);
  /// softmax_rows for a page of kSoftmaxPageTokens tokens whose values are quantized: weights times value scales are
  /// rounded to 16-bit integers (`to`). Where `to.low` is null they are rounded to 8 bits instead, with the rounding
  /// error carried from one weight to the next, so that many small weights do not vanish beside a large one. Overwrites
  /// the scores, and leaves the outputs alone: shrink [rows] receives the factor that the caller must scale them by.
  void (*softmax_quantize_rows)(const SoftmaxStep& step, const LaneScales& scales, const SplitPlanes& to,
                                float* shrink);

  /// Upper bound of integer throughput, for src/machine to time: dot4 on registers and little else.
  /// out[n][lane] = sum over steps of dot(w[step][lane], x[n]), which must stay below 2^24. w [steps][16 lanes][4] is
  /// below 128, `steps` is a multiple of 4, x is [kLimitRows][4], out is [kLimitRows][16].
  void (*limit_dots)(const std::uint8_t* w, std::size_t steps, const std::int8_t* x, float* out);
  /// Upper bound of memory throughput: returns the sum of floats that are read once, in order. `length` is a multiple
  /// of 128.
  float (*limit_read)(const float* x, std::size_t length);
};

namespace portable {
const KernelTable& table();
}
namespace avx2 {
const KernelTable& table();
}
namespace avx512 {
const KernelTable& table();
}
namespace neon {
const KernelTable& table();
}
namespace neon_i8mm {
const KernelTable& table();
}

}  // namespace pith::kernels
