#include <pith/pith.h>

#include <cstdio>

int main() {
  std::puts(pith::version());
  return 0;
}
