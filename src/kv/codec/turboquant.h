#pragma once

#include <pith/codec.h>

#include <cstddef>
#include <memory>

#include "kernels/table.h"

// TurboQuant (Zandieh, Daliri, Hadian and Mirrokni, arXiv 2504.19874), to compare with the paper's measurements. The
// paper's vectors have norm 1; vectors of any norm are stored as norm and direction.
namespace pith::kv {

/// TurboQuant_mse (Algorithm 1) at 1 to 8 bits: the direction is randomly rotated, and each coordinate rounded to the
/// nearest level of the best scalar codebook for a coordinate of a random unit vector. Page: f16 norm [64], codes [64,
/// size].
std::unique_ptr<const KvCodec> make_turboquant_mse(const CodecShape& shape, const kernels::KernelTable& kernels,
                                                   std::size_t bits);

/// TurboQuant_prod (Algorithm 2) at 1 to 8 bits: TurboQuant_mse with one bit less, and of its residual r the norm and
/// the signs of S r (QJL, arXiv 2406.03482). Inner products are unbiased over the choice of S, at the cost of a larger
/// error. Page: f16 norm [64], f16 norm of r [64], codes [64, size], signs [64, size]. With 1 bit r is the direction
/// itself, so neither its norm nor codes are stored.
std::unique_ptr<const KvCodec> make_turboquant_prod(const CodecShape& shape, const kernels::KernelTable& kernels,
                                                    std::size_t bits);

}  // namespace pith::kv
