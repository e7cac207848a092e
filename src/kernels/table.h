#pragma once

#include "kernels/types.h"

namespace pith::kernels {

/// Goals: every operation of the hot path, once per instruction set, behind plain function pointers.
/// Non-goals: threads (callers split the work), allocation, shapes (callers check).
/// All functions are pure: safe from any thread.
struct KernelTable {
  const char* name;

  /// Int8 codes with one scale by group of 32, a second plane where a group stands out (see Activations). NaN or
  /// infinity in a group makes its scale NaN. columns is a multiple of 32. x begins with row `first` of those that
  /// `to` has place for; rows lie behind one another. Counts of second planes are zero before the first call, and calls
  /// for different rows may run at once. Whole blocks of 12 go fastest.
  void (*quantize_rows)(const float* x, std::size_t first, std::size_t rows, std::size_t columns, const CodeRows& to);
  /// By PackedFormat.
  MatmulKernel matmul[kPackedFormats];
  MatvecKernel matvec[kPackedFormats];

  /// out = x * weight / sqrt(mean(x^2) + eps). In place is fine. Any length.
  void (*rms_norm)(const float* x, const float* weight, std::size_t length, float eps, float* out);
  /// x += y. Any length.
  void (*add)(float* x, const float* y, std::size_t length);
  /// x *= factor. Any length.
  void (*scale)(float* x, float factor, std::size_t length);
  /// gate = silu(gate) * up. Any length.
  void (*silu_mul)(float* gate, const float* up, std::size_t length);
  /// gate = gelu(gate) * up, the tanh form. Any length.
  void (*gelu_mul)(float* gate, const float* up, std::size_t length);

  /// Walsh-Hadamard transform in place of each run of `size` (a power of two >= 16) floats, normalized: its own
  /// inverse.
  void (*hadamard)(float* x, std::size_t size);

  /// Split rows of x, 16 bits in two planes. columns is a multiple of 16.
  void (*split_rows)(const float* x, std::size_t stride, std::size_t rows, std::size_t columns, const SplitPlanes& to);
  /// A code is its level: one a byte.
  CodeDotKernel dot_codes8;
  /// Trellis codes of 4, 3 and 2 bits with 32, 16 and 8 levels.
  CodeDotKernel dot_trellis4;
  CodeDotKernel dot_trellis3;
  CodeDotKernel dot_trellis2;
  /// Codes [lines][16 lanes][4] of a tile's columns, each 16 lanes at x + column * stride: 128 + x rounded to nearest
  /// even, within 127; 128 for what is no number.
  void (*encode_codes8)(const float* x, std::size_t stride, std::size_t lines, std::uint8_t* codes);
  TrellisKernel encode_trellis;
  FloatDotKernel dot_f32;
  FloatDotKernel dot_f16;
  FloatDotKernel dot_bf16;
  /// Float elements as floats, as they lie or turned over.
  MoveKernels move_f32;
  MoveKernels move_f16;
  MoveKernels move_bf16;
  /// Rounded to nearest even; what is larger than every finite f16, infinity too, becomes the largest; NaN stays NaN.
  /// length is a multiple of 16.
  void (*narrow_f16)(const float* x, std::size_t length, std::uint16_t* out);
  /// out[n] = unit * x[n] . y. columns is a multiple of 16.
  void (*dot_rows_i8)(const float* x, std::size_t stride, std::size_t rows, std::size_t columns, const std::int8_t* y,
                      float unit, float* out);
  /// Scores within a row's range become 2^(score - reference), the others zero; references and sums are updated, and
  /// outputs shrink where the reference grew.
  void (*softmax_rows)(const SoftmaxStep& step);

  /// What a processor can do at most, for src/machine to time: dot4 on registers, and little else.
  /// out[n][lane] = sums of w[step][lane][4] . x[n][4], below 2^24. w [steps][64] below 128, steps a multiple of 4,
  /// x [kLimitRows][4], out [kLimitRows][16].
  void (*limit_dots)(const std::uint8_t* w, std::size_t steps, const std::int8_t* x, float* out);
  /// The sum of floats, read once from one end to the other. length is a multiple of 128.
  float (*limit_read)(const float* x, std::size_t length);
  /// The same for pages of kWeighedTokens tokens with scales, whose weights times scales are left split: 16 bits, or
  /// where `low` is null 8, of which sums are rounded and not the weights themselves, so that many small ones do not
  /// vanish beside a large one. shrink [rows]: what outputs must shrink by. Writes over the scores.
  void (*weigh_rows)(const SoftmaxStep& step, const LaneScales& scales, const SplitPlanes& to, float* shrink);
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
