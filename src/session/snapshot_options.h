#pragma once

#include <pith/options.h>
#include <pith/random.h>
#include <pith/sampling.h>

#include <cstdint>
#include <vector>

#include "io/fields.h"

namespace pith::session {

/// Options and sampler as fields of a snapshot. What is read back is in no range yet: those who take it check that.
void put(io::FieldWriter& fields, const KvOptions& kv);
void put(io::FieldWriter& fields, const EvictionOptions& eviction);
void put(io::FieldWriter& fields, const SamplingOptions& sampling);
void put(io::FieldWriter& fields, const RngState& state);
void put(io::FieldWriter& fields, const std::vector<StageState>& states);

KvOptions get_kv(io::FieldReader& fields);
EvictionOptions get_eviction(io::FieldReader& fields);
/// `version`: that of the file; options that it does not have get their defaults.
SamplingOptions get_sampling(io::FieldReader& fields, std::uint32_t version);
RngState get_rng(io::FieldReader& fields);
std::vector<StageState> get_stage_states(io::FieldReader& fields);

}  // namespace pith::session
