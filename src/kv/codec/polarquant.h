#pragma once

#include <pith/codec.h>

#include <memory>

#include "kernels/table.h"

namespace pith::kv {

/// PolarQuant (Han, Kacham, Karbasi, Mirrokni and Zandieh, arXiv 2502.02617): vectors, randomly rotated, in blocks of
/// 16 coordinates, each turned into a radius and 15 angles by the recursive polar transform (definition 1) of 4 levels.
/// The 8 angles of the first level take 4 bits of [0, 2 pi), the others 2 bits of [0, pi / 2] with the best codebook
/// for their density (lemma 2, section 4.1): 62 bits a block with its f16 radius. The codebook is the paper's offline
/// one with nothing fitted to the prompt. Page: f16 radii [64, size / 16], angles of the first level [64, size / 2],
/// the others [64, size / 16, 4 + 2 + 1].
std::unique_ptr<const KvCodec> make_polarquant(const CodecShape& shape, const kernels::KernelTable& kernels);

}  // namespace pith::kv
