#pragma once

#include <pith/options.h>

#include "session/rng.h"
#include "snapshot/fields.h"

namespace pith::session {

/// Options and sampler as fields of a snapshot. What is read back is in no range yet: those who take it check that.
void put(snapshot::FieldWriter& fields, const KvOptions& kv);
void put(snapshot::FieldWriter& fields, const EvictionOptions& eviction);
void put(snapshot::FieldWriter& fields, const SamplingOptions& sampling);
void put(snapshot::FieldWriter& fields, const RngState& state);

KvOptions get_kv(snapshot::FieldReader& fields);
EvictionOptions get_eviction(snapshot::FieldReader& fields);
SamplingOptions get_sampling(snapshot::FieldReader& fields);
RngState get_rng(snapshot::FieldReader& fields);

}  // namespace pith::session
