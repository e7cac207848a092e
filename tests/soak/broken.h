#pragma once

#include <fmt/format.h>
#include <pith/error.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace pith::soak {

/// A property did not hold.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Args>
void require(bool holds, fmt::format_string<Args...> what, Args&&... args) {
  if (!holds) throw Broken(fmt::format(what, std::forward<Args>(args)...));
}

/// Throws Broken unless the call throws an Error of this kind.
inline void require_error(ErrorKind kind, const std::string& what, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    require(error.kind() == kind, "{}: the error is {} ({}), not {}", what, to_string(error.kind()), error.what(),
            to_string(kind));
    return;
  }
  throw Broken(fmt::format("{}: no error, where {} was expected", what, to_string(kind)));
}

}  // namespace pith::soak
