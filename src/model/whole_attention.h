#pragma once

#include <cstddef>

#include "model/latent_projection.h"
#include "model/pass.h"

namespace pith::model {

/// Attention of encoders: each token sees those before and after it in its text, a step of the pass (Devlin et al.,
/// 1810.04805, section 3), or with a window those at a distance of at most half of it. Nothing is cached. Writes to
/// Buffers::attention. Each output is bit for bit the same for any number of threads and whatever else is in the pass.
void attend_whole(const Pass& pass, const AttentionSpec& spec, const CacheRows& rows);

}  // namespace pith::model
