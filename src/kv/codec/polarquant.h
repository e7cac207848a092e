#pragma once

#include <pith/codec.h>

#include <memory>

#include "kernels/table.h"

namespace pith::kv {

/// PolarQuant (Han, Kacham, Karbasi, Mirrokni and Zandieh, arXiv 2502.02617): randomly rotated vectors in blocks of 16
/// coordinates, each transformed into a radius and 15 angles by the recursive polar transform (definition 1) of 4
/// levels. The 8 angles of the first level take 4 bits each over [0, 2 pi), the others 2 bits over [0, pi / 2] with the
/// best codebook for their density (lemma 2, section 4.1): 62 bits per block including its f16 radius. The codebook is
/// the paper's offline one; nothing is fitted to the prompt. Page: f16 radii [64, size / 16], angles of the first level
/// [64, size / 2], the others [64, size / 16, 4 + 2 + 1].
std::unique_ptr<const KvCodec> make_polarquant(const CodecShape& shape, const kernels::KernelTable& kernels);

}  // namespace pith::kv
