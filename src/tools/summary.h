#pragma once

#include <pith/pith.h>

#include <string>

#include "tools/output.h"

namespace pith::tools {

/// Tokens a second; 0 if no time was taken.
double rate(int tokens, double seconds) noexcept;

/// Two lines: speed of prompt and answer, KV bytes against f16, what is left after eviction.
std::string summary(const Generation& generation, const KvStats& kv);

/// The same, and text, tokens and reason.
Json to_json(const Generation& generation, const KvStats& kv);

/// kv_key, kv_value, kv_tokens, kv_bytes, kv_bytes_f16, kv_held_tokens, kv_policy_bytes.
void add_kv(Json& json, const KvStats& kv);

}  // namespace pith::tools
