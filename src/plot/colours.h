#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Colours that people with any kind of colour vision can tell apart.
namespace pith::plot {

/// Returns the colour of a series: the palette of Okabe and Ito ("Color Universal Design", 2008) without yellow, which
/// does not show on white. Repeats after seven.
std::string_view series_colour(std::size_t index);

enum class ColourScale {
  kSequential,  ///< Dark blue to yellow, ever lighter, so that it is in order in grey too.
  kDiverging,   ///< Blue over white to orange, for values on both sides of zero.
};

/// Returns the colour at a share of the scale in [0, 1], as "#rrggbb"; light grey for NaN.
std::string scale_colour(ColourScale scale, double share);

/// Returns black or white, whichever reads better on a colour "#rrggbb".
std::string_view ink_on(std::string_view colour);

}  // namespace pith::plot
