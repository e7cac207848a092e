#pragma once

#include <array>

namespace pith::weights {

/// The levels of IQ4_NL and IQ4_XS, by code.
inline constexpr std::array<float, 16> kLevelsIQ4 = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                     1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace pith::weights
