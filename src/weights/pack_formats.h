#pragma once

#include "weights/pack.h"

// The rows of pack.cpp's table, defined by pack_float.cpp, pack_legacy.cpp and pack_super.cpp.
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

}  // namespace pith::weights
