#pragma once

#include <optional>
#include <string>

#include "eval/eviction_kl.h"
#include "eval/eviction_needle.h"
#include "eval/eviction_stream.h"

namespace pith::eval {

/// Draws the mean KL over the share that is evicted, one line per policy, as an SVG file.
std::string eviction_kl_chart(const EvictionKlResult& kl);
/// Draws recall, or else log-probability, over the share that is evicted, for all lengths together.
std::string eviction_needle_chart(const EvictionNeedleResult& needle, bool question_seen, bool recall);
/// Draws perplexity by block.
std::string eviction_stream_chart(const EvictionStreamResult& stream);

/// Returns the report's section on eviction, with tables and charts of what was measured; empty if nothing was.
std::string eviction_section(const std::optional<EvictionKlResult>& kl,
                             const std::optional<EvictionNeedleResult>& needle,
                             const std::optional<EvictionStreamResult>& stream);

}  // namespace pith::eval
