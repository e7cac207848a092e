#include "support/paths.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace pith::test {
namespace {

namespace fs = std::filesystem;

struct KnownModel {
  std::string_view name;
  std::string_view file;
};

constexpr std::array<KnownModel, 2> kModels = {{
    {"smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"},
    {"gemma3", "gemma-3-270m-q4_k_m.gguf"},
}};

std::string_view file_of(std::string_view name) {
  for (const KnownModel& model : kModels) {
    if (model.name == name) return model.file;
  }
  throw std::invalid_argument("no model is called " + std::string(name));
}

}  // namespace

fs::path shared_dir() { return PITH_SHARED_DIR; }

fs::path data_dir() { return PITH_TEST_DATA_DIR; }

std::optional<fs::path> find_model(std::string_view name) {
  const std::string_view file = file_of(name);
  std::error_code ignored;
  if (const char* folder = std::getenv("PITH_MODELS");
      folder != nullptr && fs::exists(fs::path(folder) / file, ignored)) {
    return fs::path(folder) / file;
  }
  const fs::path own = fs::path(PITH_MODELS_DIR) / file;
  return fs::exists(own, ignored) ? std::optional(own) : std::nullopt;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "pith-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace pith::test
