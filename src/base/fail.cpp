#include "base/fail.h"

#include "base/printable.h"

namespace pith {
namespace {

constexpr std::size_t kMessageCharactersMax = 4000;

}  // namespace

void throw_error(ErrorKind kind, std::string_view message) {
  throw Error(kind, printable(message, kMessageCharactersMax));
}

}  // namespace pith
