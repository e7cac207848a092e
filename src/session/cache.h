#pragma once

#include <pith/model.h>
#include <pith/options.h>
#include <pith/stats.h>

#include "kv/cache.h"

namespace pith::session {

/// The same options with every codec named: what is left empty is like what it follows.
KvOptions resolved(KvOptions kv);

/// The empty cache of a session. Throws Error: kInvalidArgument for options out of range, kUnsupported for an unknown
/// codec name.
kv::Cache make_cache(const Model& model, const KvOptions& options);

/// What it holds.
KvStats kv_stats(const KvOptions& kv, const kv::Cache& cache);

}  // namespace pith::session
