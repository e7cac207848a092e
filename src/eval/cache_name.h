#pragma once

#include <fmt/format.h>
#include <pith/kv_options.h>

#include <string>

namespace pith::eval {

/// Returns "int4", or "int8/int4" if keys and values differ, or "int4 sparse 0.25" if not all of the cache is read.
inline std::string cache_name(const KvOptions& kv) {
  const std::string name = kv.value.empty() || kv.key == kv.value ? kv.key : kv.key + "/" + kv.value;
  return kv.read_share == 1.0 ? name : fmt::format("{} sparse {}", name, kv.read_share);
}

/// The same, but marks the noise floor as such.
inline std::string cache_name(const KvOptions& kv, bool is_floor) {
  return is_floor ? "noise floor (" + cache_name(kv) + ")" : cache_name(kv);
}

}  // namespace pith::eval
