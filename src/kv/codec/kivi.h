#pragma once

#include <pith/codec.h>

#include <cstddef>
#include <memory>

#include "kernels/table.h"

namespace pith::kv {

/// KIVI (Liu et al., arXiv 2402.02750), section 3: asymmetric min-max codes of 1 to 8 bits, x ~ min + scale * code.
/// Keys per channel: the codes of one channel in a page share min and scale, since keys have outlier channels. Values
/// per token, in groups of 32 elements; the last group is shorter if 32 does not divide the size. Page of keys: f16 min
/// [size], f16 scale [size], codes [64, size]. Page of values: f16 min [64, groups], f16 scale [64, groups], codes [64,
/// size].
std::unique_ptr<const KvCodec> make_kivi(const CodecShape& shape, const kernels::KernelTable& kernels,
                                         std::size_t bits);

}  // namespace pith::kv
