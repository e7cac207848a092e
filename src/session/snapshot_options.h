#pragma once

#include <pith/options.h>
#include <pith/random.h>
#include <pith/sampling.h>

#include <cstdint>
#include <vector>

#include "snapshot/fields.h"

namespace pith::session {

/// Options and sampler as fields of a snapshot. What is read back is in no range yet: those who take it check that.
void put(snapshot::FieldWriter& fields, const KvOptions& kv);
void put(snapshot::FieldWriter& fields, const EvictionOptions& eviction);
void put(snapshot::FieldWriter& fields, const SamplingOptions& sampling);
void put(snapshot::FieldWriter& fields, const RngState& state);
void put(snapshot::FieldWriter& fields, const std::vector<StageState>& states);

KvOptions get_kv(snapshot::FieldReader& fields);
EvictionOptions get_eviction(snapshot::FieldReader& fields);
/// `version`: that of the file; options that it does not have get their defaults.
SamplingOptions get_sampling(snapshot::FieldReader& fields, std::uint32_t version);
RngState get_rng(snapshot::FieldReader& fields);
std::vector<StageState> get_stage_states(snapshot::FieldReader& fields);

}  // namespace pith::session
