#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/tiny_model.h"

// usage: mpi_test_model FOLDER NAME SEED: writes FOLDER/NAME.gguf, a tiny model.
int main(int argc, char** argv) {
  if (argc != 4) return 2;
  pith::test::TinyModelSpec spec;
  spec.seed = static_cast<std::uint64_t>(std::atoi(argv[3]));
  pith::test::tiny_model_writer(spec).write(std::filesystem::path(argv[1]) / (std::string(argv[2]) + ".gguf"));
  return 0;
}
