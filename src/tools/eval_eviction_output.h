#pragma once

#include <string>

#include "eval/eviction_kl.h"
#include "eval/eviction_needle.h"
#include "eval/eviction_stream.h"
#include "tools/output.h"

namespace pith::tools {

/// Tables, and what is said beneath them.
std::string to_text(const eval::EvictionKlResult& result);
std::string to_text(const eval::EvictionNeedleResult& result);
std::string to_text(const eval::EvictionStreamResult& result);

/// The same, with all that was measured; without model, command and time.
Json to_json(const eval::EvictionKlResult& result);
Json to_json(const eval::EvictionNeedleResult& result);
Json to_json(const eval::EvictionStreamResult& result);

}  // namespace pith::tools
