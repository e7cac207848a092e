#pragma once

// Fills the kernel table of one instruction set, family by family. Include a simd.h first.
//
// A set whose code is quick to compile calls build_table() in its one unit, table.cpp. A set that takes longer
// (kernels/portable) compiles a family per unit. That works because every kernel is a template or inline: a unit holds
// only what its families refer to, and the linker merges what two units of a set share. All of it lies in the set's own
// namespace, so nothing is merged across sets.
#include "kernels/generic/activations.h"
#include "kernels/generic/elementwise.h"
#include "kernels/generic/int16_rows.h"
#include "kernels/generic/level_formats.h"
#include "kernels/generic/limits.h"
#include "kernels/generic/matmul.h"
#include "kernels/generic/move.h"
#include "kernels/generic/recurrent.h"
#include "kernels/generic/round_codes.h"
#include "kernels/generic/softmax.h"
#include "kernels/generic/softmax_quantize.h"
#include "kernels/generic/tile_dot.h"
#include "kernels/generic/trellis.h"
#include "kernels/table.h"

namespace pith::kernels::PITH_ISA {

inline void set_products(KernelTable& t, PackedFormat format, MatmulKernel matmul, MatvecKernel matvec) {
  t.matmul[static_cast<std::size_t>(format)] = matmul;
  t.matvec[static_cast<std::size_t>(format)] = matvec;
}

template <typename Element>
inline void set_float_products(KernelTable& t, PackedFormat format) {
  set_products(t, format, matmul_floats_all<Element>, matvec_floats<Element>);
}

template <typename Format>
inline void set_code_products(KernelTable& t, PackedFormat format) {
  set_products(t, format, matmul_codes_all<Format>, matvec_codes<Format>);
}

/// Products of weights in blocks of 32 columns.
inline void fill_block_products(KernelTable& t) {
  set_code_products<FormatQ4_0>(t, PackedFormat::kQ4_0);
  set_code_products<FormatQ4_1>(t, PackedFormat::kQ4_1);
  set_code_products<FormatQ5_0>(t, PackedFormat::kQ5_0);
  set_code_products<FormatQ5_1>(t, PackedFormat::kQ5_1);
  set_code_products<FormatQ8_0>(t, PackedFormat::kQ8_0);
  set_code_products<FormatIQ4_NL>(t, PackedFormat::kIQ4_NL);
}

/// Products of weights in super-blocks of 256 columns.
inline void fill_super_block_products(KernelTable& t) {
  set_code_products<FormatQ2_K>(t, PackedFormat::kQ2_K);
  set_code_products<FormatQ3_K>(t, PackedFormat::kQ3_K);
  set_code_products<FormatQ4_K>(t, PackedFormat::kQ4_K);
  set_code_products<FormatQ5_K>(t, PackedFormat::kQ5_K);
  set_code_products<FormatQ6_K>(t, PackedFormat::kQ6_K);
  set_code_products<FormatIQ4_XS>(t, PackedFormat::kIQ4_XS);
}

/// Products of weights whose codes are indices of levels with zero point 64, of IQ1_S and of Q8_K.
inline void fill_level_products(KernelTable& t) {
  set_code_products<FormatMXFP4>(t, PackedFormat::kMXFP4);
  set_code_products<FormatNVFP4>(t, PackedFormat::kNVFP4);
  set_code_products<FormatQ8_K>(t, PackedFormat::kQ8_K);
  set_code_products<FormatIQ3_S>(t, PackedFormat::kIQ3_S);
  set_code_products<FormatIQ3_XXS>(t, PackedFormat::kIQ3_XXS);
  set_code_products<FormatIQ2>(t, PackedFormat::kIQ2);
  set_code_products<FormatIQ1_M>(t, PackedFormat::kIQ1_M);
  set_code_products<FormatTQ2_0>(t, PackedFormat::kTQ2_0);
  set_code_products<FormatIQ1_S>(t, PackedFormat::kIQ1_S);
}

/// Products and dots with float elements.
inline void fill_float_products(KernelTable& t) {
  set_float_products<ElementF32>(t, PackedFormat::kF32);
  set_float_products<ElementF16>(t, PackedFormat::kF16);
  set_float_products<ElementBF16>(t, PackedFormat::kBF16);
  t.dot_f32 = dot_floats<ElementF32>;
  t.dot_f16 = dot_floats<ElementF16>;
  t.dot_bf16 = dot_floats<ElementBF16>;
  t.dot_rows_i8 = dot_rows_i8;
}

/// Dots over the codes of cached pages.
inline void fill_code_dots(KernelTable& t) {
  t.dot_codes8 = dot_codes<Codes8>;
  t.dot_trellis4 = dot_codes<Trellis4>;
  t.dot_trellis3 = dot_codes<Trellis3>;
  t.dot_trellis2 = dot_codes<Trellis2>;
}

/// Everything that works row by row: quantizing, encoding, norms, activations, softmax, copies and measured limits.
inline void fill_row_kernels(KernelTable& t) {
  t.quantize_rows = quantize_rows;
  t.rms_norm = rms_norm;
  t.add = add_rows;
  t.scale = scale_row;
  t.silu_mul = silu_mul;
  t.gelu_mul = gelu_mul;
  t.clamped_swiglu = clamped_swiglu;
  t.softcap = softcap;
  t.sigmoid_mul = sigmoid_mul;
  t.squared_relu = squared_relu;
  t.convolve = convolve;
  t.delta_rule = delta_rule;
  t.state_space = state_space;
  t.hadamard = hadamard;
  t.quantize_int16_rows = quantize_int16_rows;
  t.encode_codes8 = encode_codes8;
  t.encode_trellis = encode_trellis;
  t.move_f32 = {copy_rows<ElementF32>, transpose<ElementF32>};
  t.move_f16 = {copy_rows<ElementF16>, transpose<ElementF16>};
  t.move_bf16 = {copy_rows<ElementBF16>, transpose<ElementBF16>};
  t.narrow_f16 = narrow_f16;
  t.softmax_rows = softmax_rows;
  t.softmax_quantize_rows = softmax_quantize_rows;
  t.limit_dots = limit_dots;
  t.limit_read = limit_read;
}

inline KernelTable build_table(const char* name) {
  KernelTable t{};
  t.name = name;
  fill_block_products(t);
  fill_super_block_products(t);
  fill_level_products(t);
  fill_float_products(t);
  fill_code_dots(t);
  fill_row_kernels(t);
  return t;
}

}  // namespace pith::kernels::PITH_ISA
