#pragma once

#include <optional>
#include <string>

#include "eval/eviction_kl.h"
#include "eval/eviction_needle.h"
#include "eval/eviction_stream.h"

namespace pith::eval {

/// Mean KL against the share that is evicted, one line a policy, as an SVG file.
std::string eviction_kl_chart(const EvictionKlResult& kl);
/// Recall, or else log-probability, of all lengths together against the share that is evicted.
std::string eviction_needle_chart(const EvictionNeedleResult& needle, bool question_seen, bool recall);
/// Perplexity by block.
std::string eviction_stream_chart(const EvictionStreamResult& stream);

/// The report's part on eviction: tables and charts of what was measured; empty if nothing was.
std::string eviction_section(const std::optional<EvictionKlResult>& kl,
                             const std::optional<EvictionNeedleResult>& needle,
                             const std::optional<EvictionStreamResult>& stream);

}  // namespace pith::eval
