#include <pith/pith.h>

#include <cstdio>

// Links the whole library and sees its typed error; given the path of a missing model.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    pith::Session session(pith::Model::load(argv[1]));
    std::fputs("a missing model was loaded\n", stderr);
  } catch (const pith::Error& error) {
    std::printf("%s: %s\n", pith::to_string(error.kind()), error.what());
    return error.kind() == pith::ErrorKind::kIo ? 0 : 1;
  }
  return 1;
}
