#pragma once

#include <pith/eviction.h>
#include <pith/kv_options.h>
#include <pith/model.h>
#include <pith/stats.h>

#include <memory>
#include <vector>

#include "kv/core/cache.h"

namespace pith::session {

/// The same options with every codec named: what is left empty is like what it follows.
KvOptions resolved(KvOptions kv);

/// Makes the empty cache of a session, which gathers what policies need. Throws Error: kInvalidArgument for options out
/// of range, kUnsupported for an unknown codec name.
kv::Cache make_cache(const Model& model, const KvOptions& options, const std::vector<PolicyNeeds>& observed = {},
                     std::shared_ptr<kv::ByteCounter> counter = nullptr);

/// What it holds.
KvStats kv_stats(const KvOptions& kv, const kv::Cache& cache);

}  // namespace pith::session
