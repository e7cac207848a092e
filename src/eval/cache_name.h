#pragma once

#include <pith/options.h>

#include <string>

namespace pith::eval {

/// "int4", or "int8/int4" of keys and values apart.
inline std::string cache_name(const KvOptions& kv) { return kv.key == kv.value ? kv.key : kv.key + "/" + kv.value; }

/// The same, told apart where it is the noise floor.
inline std::string cache_name(const KvOptions& kv, bool is_floor) {
  return is_floor ? "noise floor (" + cache_name(kv) + ")" : cache_name(kv);
}

}  // namespace pith::eval
