#pragma once

#include <pith/pith.h>

#include <string>

#include "tools/output.h"

namespace pith::tools {

/// Tokens a second; 0 if no time was taken.
double rate(int tokens, double seconds) noexcept;

/// Two lines: the speed of prompt and answer, and kv_summary().
std::string summary(const Generation& generation, const KvStats& kv);

/// One line: which cache was used, what it holds, and what that saved against f16.
std::string kv_summary(const KvStats& kv);

/// One line where a session's context is longer than what its model was trained for; else nothing.
std::string context_warning(const Session& session);

/// The same, and text, tokens and reason.
Json to_json(const Generation& generation, const KvStats& kv);

/// kv_key, kv_value, kv_tokens, kv_bytes, kv_bytes_f16, kv_held_tokens, kv_policy_bytes,
/// kv_marks, kv_mark_bytes.
void add_kv(Json& json, const KvStats& kv);

}  // namespace pith::tools
