// Writes the tests' own random models, one of every shape, as cases of scripts/arch_differential.sh: each in a folder
// NAME-own with model.gguf and tokens.txt.
//
// usage: arch_own_models FOLDER
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "support/tiny_model.h"
#include "support/tiny_shapes.h"

namespace pith::test {
namespace {

constexpr std::size_t kPrompt = 96;

/// Makes of a shape one that llama.cpp takes.
TinyModelSpec for_llama_cpp(TinyModelSpec spec) {
  const std::string& name = spec.architecture;
  if (name == "nomic-bert" || name == "bert" || name == "gemma-embedding") {
    spec.embedding = spec.heads * spec.head_size;
    return spec;
  }
  // With a tied output the last token is often the likeliest for ever, but these have no other.
  spec.tied_output = name == "command-r" || name == "cohere2" || name == "gemma" || name == "gemma2" || name == "plm";
  // For many architectures it does not take head sizes from the file.
  spec.embedding = spec.heads * spec.head_size;
  if (name != "deepseek2") spec.value_size = 0;
  // Of state spaces it takes those that are twice as wide as the model, of the delta rule those with square states.
  if (name == "mamba2" || name == "granitehybrid" || name == "nemotron_h")
    spec.state_heads = 2 * spec.embedding / spec.state_values;
  if (name.starts_with("qwen3")) spec.state_keys = spec.state_values;
  if (name == "olmoe") spec.kv_heads = spec.heads;
  // It knows by the number of layers whether DeepSeek's queries have a latent.
  if (name == "deepseek2" && spec.query_latent == 0) spec.layers = 27;
  // It does without Phi 3's windows.
  if (name == "phi3") spec.sliding_window = 0;
  // It knows EXAONE 4's windows by the number of layers.
  if (name == "exaone4" && spec.sliding_window != 0) spec.layers = 64;
  return spec;
}

/// The number of tokens to generate goes with a case.
void write_case(const TinyShape& shape, int greedy, const std::filesystem::path& all) {
  const std::filesystem::path folder = all / (shape.name + "-own");
  std::filesystem::create_directories(folder);
  GgufWriter writer = tiny_model_writer(for_llama_cpp(shape.spec));
  // llama.cpp takes a name for what a vocabulary must have.
  writer.remove("general.name");
  writer.write(folder / "model.gguf");
  std::ofstream(folder / "count.txt") << greedy << '\n';
  const std::uint64_t vocab = writer.tensors.front().dims.at(1);
  std::mt19937 random(1);
  std::ofstream tokens(folder / "tokens.txt");
  for (std::size_t i = 0; i < kPrompt; ++i) tokens << random() % vocab << '\n';
}

}  // namespace
}  // namespace pith::test

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: arch_own_models FOLDER\n");
    return 2;
  }
  try {
    for (const pith::test::TinyShape& shape : pith::test::tiny_shapes()) pith::test::write_case(shape, 200, argv[1]);
    for (const pith::test::TinyShape& shape : pith::test::tiny_encoders()) pith::test::write_case(shape, 0, argv[1]);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "arch_own_models: {}\n", error.what());
    return 1;
  }
}
