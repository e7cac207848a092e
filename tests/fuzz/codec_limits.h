#pragma once

#include <limits>
#include <string_view>

namespace pith::fuzz {

/// Limits the error of a stored row, as a vector: by_row times its norm plus, for each of its elements, by_page times
/// the page's largest element, plus `absolute`. Holds for any rows, however far they are from those that a codec is
/// made for. tests/kv has what codecs attain on rows like a model's.
struct CodecLimits {
  double by_row = 0.0;
  double by_page = 0.0;
  double absolute = 0.0;
  /// The largest magnitude of elements for which anything is promised.
  float most = std::numeric_limits<float>::max() / 1024.0F;
  /// Whether queries are rounded to codes.
  bool coded = false;
};

/// Returns the limits of a built-in codec.
inline CodecLimits codec_limits(std::string_view name) {
  constexpr double kHalfUlp = 0x1p-11;  // of f16
  constexpr double kHalfStep = 0x1p-24;
  // Beyond this f16 holds an infinity; TurboQuant, PolarQuant and KIVI saturate instead.
  constexpr float kHalfMost = 65504.0F;
  // Sums of squares of a row must be finite, else the page is NaN (IntCodec); rows that are too small become zero.
  constexpr float kIntMost = 1e17F;
  constexpr double kIntLeast = 1e-21;
  if (name.starts_with("f32")) return {};
  if (name == "f16") return {kHalfUlp, 0.0, kHalfStep, kHalfMost};
  if (name == "bf16") return {0x1p-8, 0.0, 1e-38};
  // Keys have the page's mean subtracted, and codes of 8 bits hold the rest: twice the largest / 127 / 2. Scales are
  // codes themselves.
  if (name == "int8") return {0.0, 0.01, 1e-36, kIntMost, true};
  // The best scale leaves at most the original magnitude as error, and that scale is rounded to a code.
  if (name.starts_with("int")) return {1.1, 1.2, kIntLeast, kIntMost, true};
  if (name == "kivi4") return {2 * kHalfUlp, 0.5 * 2.0 / 15.0 + 4 * kHalfUlp, kHalfStep * 16, kHalfMost / 2};
  if (name == "kivi2") return {2 * kHalfUlp, 0.5 * 2.0 / 3.0 + 4 * kHalfUlp, kHalfStep * 4, kHalfMost / 2};
  // A sketch of signs, whose error is unbiased and large.
  if (name.starts_with("turboquant-prod")) return {4.0, 0.0, 4 * kHalfStep, kHalfMost / 16};
  // Norms in f16.
  return {1.5, 0.0, 2 * kHalfStep, kHalfMost / 16};
}

}  // namespace pith::fuzz
