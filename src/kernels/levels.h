#pragma once

// The unevenly spaced values that the codes of some weight formats are indices of. They are constants of GGUF's tensor
// types. Plain data only: this header is compiled with wide instruction sets.
#include <cstddef>
#include <cstdint>

namespace pith::kernels {

/// A weight is scale * unit * values[code].
template <std::size_t count>
struct Levels {
  static constexpr std::size_t kCount = count;
  std::int8_t values[count];
  float unit;
};

/// The zero point of all levels below: with it, they are unsigned and below 128.
inline constexpr std::int32_t kLevelZero = 64;

/// MXFP4 and NVFP4: floats with 2 bits of exponent and 1 of mantissa, times 2. The fourth bit is the sign; there is no
/// negative zero.
inline constexpr Levels<16> kLevelsE2M1 = {{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}, 1.0F};

/// IQ3_S and IQ3_XXS: 8 magnitudes. The fourth bit is the sign.
inline constexpr Levels<16> kLevelsIQ3_S = {{1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15}, 1.0F};
inline constexpr Levels<16> kLevelsIQ3_XXS = {{4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62},
                                              0.25F};

/// IQ2_XXS, IQ2_XS and IQ2_S: 3 magnitudes. The third bit is the sign; codes 3 and 7 are not used.
inline constexpr Levels<8> kLevelsIQ2 = {{8, 25, 43, 0, -8, -25, -43, 0}, 0.125F};

/// IQ1_S and IQ1_M: -1, 0 and 1, shifted up by an eighth, or down if the third bit is set; codes 3 and 7 are not used.
inline constexpr Levels<8> kLevelsIQ1 = {{-7, 1, 9, 0, -9, -1, 7, 0}, 0.125F};

/// TQ1_0 and TQ2_0. Only TQ2_0 has the last level.
inline constexpr Levels<4> kLevelsTernary = {{-1, 0, 1, 2}, 1.0F};

}  // namespace pith::kernels
