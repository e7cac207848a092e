#pragma once

#include <pith/error.h>

#include <new>
#include <string>

namespace pith {

/// Calls f. Where the standard library finds no memory, Error(kOutOfMemory) says what it was for, so that callers have
/// one kind of exception to catch. If there is none for the message either, std::bad_alloc stays what it is.
template <typename F>
decltype(auto) with_memory_for(const char* what, const F& f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kOutOfMemory, std::string("no memory left to ") + what);
  }
}

}  // namespace pith
