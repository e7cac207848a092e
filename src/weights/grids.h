#pragma once

#include <array>
#include <cstdint>

// Which vectors of magnitudes the indices in IQ1, IQ2 and IQ3 blocks select. grids.cpp says how they are written down.
namespace pith::weights {

/// Vectors of 8 with elements -1, 0 and 1. IQ1_M uses them too.
extern const std::array<std::uint16_t, 2048> kGridIQ1_S;
/// Vectors of 8, each magnitude being one of 3.
extern const std::array<std::uint16_t, 256> kGridIQ2_XXS;
extern const std::array<std::uint16_t, 512> kGridIQ2_XS;
extern const std::array<std::uint16_t, 1024> kGridIQ2_S;
/// Vectors of 4, each magnitude being one of 8.
extern const std::array<std::uint16_t, 256> kGridIQ3_XXS;
extern const std::array<std::uint16_t, 512> kGridIQ3_S;

}  // namespace pith::weights
