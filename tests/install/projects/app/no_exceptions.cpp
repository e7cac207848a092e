#include <pith/pith.h>

#include <cstdio>

// Compiled with -fno-exceptions, and with headers of the same version as the library.
int main() {
  std::puts(pith::version());
  return std::string_view(pith::version()) == PITH_VERSION && !pith::builtin_codecs().empty() ? 0 : 1;
}
