#pragma once

#include "weights/pack.h"

// The rows of pack.cpp's table, defined by pack_float.cpp, pack_legacy.cpp, pack_super.cpp and pack_levels.cpp.
namespace pith::weights {

extern const PackInfo kPackF32;
extern const PackInfo kPackF16;
extern const PackInfo kPackBF16;
extern const PackInfo kPackQ4_0;
extern const PackInfo kPackQ4_1;
extern const PackInfo kPackQ5_0;
extern const PackInfo kPackQ5_1;
extern const PackInfo kPackQ8_0;
extern const PackInfo kPackQ2_K;
extern const PackInfo kPackQ3_K;
extern const PackInfo kPackQ4_K;
extern const PackInfo kPackQ5_K;
extern const PackInfo kPackQ6_K;
extern const PackInfo kPackIQ4_NL;
extern const PackInfo kPackIQ4_XS;
extern const PackInfo kPackQ8_K;
extern const PackInfo kPackMXFP4;
extern const PackInfo kPackNVFP4;
extern const PackInfo kPackIQ1_S;
extern const PackInfo kPackIQ1_M;
extern const PackInfo kPackIQ2_XXS;
extern const PackInfo kPackIQ2_XS;
extern const PackInfo kPackIQ2_S;
extern const PackInfo kPackIQ3_XXS;
extern const PackInfo kPackIQ3_S;
extern const PackInfo kPackTQ1_0;
extern const PackInfo kPackTQ2_0;

}  // namespace pith::weights
