#pragma once

#include <pith/random.h>
#include <pith/sampling.h>
#include <pith/session_options.h>

#include <cstdint>
#include <vector>

#include "io/fields.h"

namespace pith::session {

/// Writes the options that snapshots keep, in the order that the tables state (src/options).
void put(io::FieldWriter& fields, const EvictionOptions& eviction);
/// The same of the nested options.
void put(io::FieldWriter& fields, const SessionOptions& session);
void put(io::FieldWriter& fields, const SamplingOptions& sampling);
void put(io::FieldWriter& fields, const RngState& state);
void put(io::FieldWriter& fields, const std::vector<StageState>& states);

/// Reads the options back. Options that this version of the format does not have get their defaults. Throws
/// Error(kFormat) for a number outside of its option's range; whoever takes the options checks the rest.
SessionOptions get_session(io::FieldReader& fields, std::uint32_t version);
SamplingOptions get_sampling(io::FieldReader& fields, std::uint32_t version);
RngState get_rng(io::FieldReader& fields);
std::vector<StageState> get_stage_states(io::FieldReader& fields);

}  // namespace pith::session
