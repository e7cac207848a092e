#pragma once

#include <pith/error.h>

#include <new>
#include <string>

namespace pith {

/// Calls f and turns std::bad_alloc into Error(kOutOfMemory), whose message says what the memory was for, so that
/// callers have one kind of exception to catch. If the message itself cannot be allocated, std::bad_alloc is passed on.
template <typename F>
decltype(auto) with_memory_for(const char* what, const F& f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kOutOfMemory, std::string("no memory left to ") + what);
  }
}

}  // namespace pith
