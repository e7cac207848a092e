#pragma once

// Needs a simd.h included before. Fills the kernel table of one instruction set.
#include "kernels/generic/activations.h"
#include "kernels/generic/elementwise.h"
#include "kernels/generic/limits.h"
#include "kernels/generic/matmul.h"
#include "kernels/generic/move.h"
#include "kernels/generic/round_codes.h"
#include "kernels/generic/softmax.h"
#include "kernels/generic/split_rows.h"
#include "kernels/generic/tile_dot.h"
#include "kernels/generic/trellis.h"
#include "kernels/generic/weigh.h"
#include "kernels/table.h"

namespace pith::kernels::PITH_ISA {

inline KernelTable build_table(const char* name) {
  KernelTable t{};
  t.name = name;
  t.quantize_rows = quantize_rows;
  const auto products = [&](PackedFormat format, MatmulKernel matmul, MatvecKernel matvec) {
    t.matmul[static_cast<std::size_t>(format)] = matmul;
    t.matvec[static_cast<std::size_t>(format)] = matvec;
  };
  products(PackedFormat::kF32, matmul_floats_all<ElementF32>, matvec_floats<ElementF32>);
  products(PackedFormat::kF16, matmul_floats_all<ElementF16>, matvec_floats<ElementF16>);
  products(PackedFormat::kBF16, matmul_floats_all<ElementBF16>, matvec_floats<ElementBF16>);
  products(PackedFormat::kQ4_0, matmul_codes_all<FormatQ4_0>, matvec_codes<FormatQ4_0>);
  products(PackedFormat::kQ4_1, matmul_codes_all<FormatQ4_1>, matvec_codes<FormatQ4_1>);
  products(PackedFormat::kQ5_0, matmul_codes_all<FormatQ5_0>, matvec_codes<FormatQ5_0>);
  products(PackedFormat::kQ5_1, matmul_codes_all<FormatQ5_1>, matvec_codes<FormatQ5_1>);
  products(PackedFormat::kQ8_0, matmul_codes_all<FormatQ8_0>, matvec_codes<FormatQ8_0>);
  products(PackedFormat::kQ2_K, matmul_codes_all<FormatQ2_K>, matvec_codes<FormatQ2_K>);
  products(PackedFormat::kQ3_K, matmul_codes_all<FormatQ3_K>, matvec_codes<FormatQ3_K>);
  products(PackedFormat::kQ4_K, matmul_codes_all<FormatQ4_K>, matvec_codes<FormatQ4_K>);
  products(PackedFormat::kQ5_K, matmul_codes_all<FormatQ5_K>, matvec_codes<FormatQ5_K>);
  products(PackedFormat::kQ6_K, matmul_codes_all<FormatQ6_K>, matvec_codes<FormatQ6_K>);
  products(PackedFormat::kIQ4_NL, matmul_codes_all<FormatIQ4_NL>, matvec_codes<FormatIQ4_NL>);
  products(PackedFormat::kIQ4_XS, matmul_codes_all<FormatIQ4_XS>, matvec_codes<FormatIQ4_XS>);
  t.rms_norm = rms_norm;
  t.add = add_rows;
  t.scale = scale_row;
  t.silu_mul = silu_mul;
  t.gelu_mul = gelu_mul;
  t.hadamard = hadamard;
  t.split_rows = split_rows;
  t.dot_codes8 = dot_codes<Codes8>;
  t.dot_trellis4 = dot_codes<Trellis4>;
  t.dot_trellis3 = dot_codes<Trellis3>;
  t.dot_trellis2 = dot_codes<Trellis2>;
  t.encode_codes8 = encode_codes8;
  t.encode_trellis = encode_trellis;
  t.dot_f32 = dot_floats<ElementF32>;
  t.dot_f16 = dot_floats<ElementF16>;
  t.dot_bf16 = dot_floats<ElementBF16>;
  t.move_f32 = {copy_rows<ElementF32>, transpose<ElementF32>};
  t.move_f16 = {copy_rows<ElementF16>, transpose<ElementF16>};
  t.move_bf16 = {copy_rows<ElementBF16>, transpose<ElementBF16>};
  t.narrow_f16 = narrow_f16;
  t.dot_rows_i8 = dot_rows_i8;
  t.softmax_rows = softmax_rows;
  t.limit_dots = limit_dots;
  t.limit_read = limit_read;
  t.weigh_rows = weigh_rows;
  return t;
}

}  // namespace pith::kernels::PITH_ISA
