// Writes a small random model of every architecture that pith knows, and what pith computes with it: for
// scripts/forward_differential.sh, which gives the same files to llama.cpp.
//
// usage: differential_models FOLDER
//   NAME.gguf        the model
//   NAME.tokens      a prompt, as numbers
//   NAME.pith        float32 logits [tokens, vocab] after each token of it
//   NAME.greedy      the likeliest next tokens from there on, as numbers

#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"
#include "support/tiny_shapes.h"

namespace pith::test {
namespace {

constexpr std::size_t kPrompt = 96;
constexpr int kGreedy = 200;

void write_numbers(const std::filesystem::path& path, std::span<const Token> tokens) {
  std::ofstream out(path);
  for (const Token token : tokens) out << token << '\n';
}

Token likeliest(std::span<const float> logits) {
  return static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// Makes of a shape one that llama.cpp takes.
TinyModelSpec for_llama_cpp(TinyModelSpec spec) {
  const std::string& name = spec.architecture;
  // With a tied output the last token is often the likeliest for ever, but these have no other.
  spec.tied_output = name == "command-r" || name == "cohere2" || name == "gemma" || name == "gemma2";
  // For many architectures it does not take head sizes from the file.
  spec.embedding = spec.heads * spec.head_size;
  spec.value_size = 0;
  if (name == "olmoe") spec.kv_heads = spec.heads;
  // It knows EXAONE 4's windows by the number of layers.
  if (name == "exaone4" && spec.sliding_window != 0) spec.layers = 64;
  return spec;
}

void write_shape(const TinyShape& shape, const std::filesystem::path& folder) {
  const auto path = [&](const char* ending) { return folder / (shape.name + ending); };
  GgufWriter writer = tiny_model_writer(for_llama_cpp(shape.spec));
  // It also takes a name for what a vocabulary must have.
  writer.remove("general.name");
  writer.write(path(".gguf"));
  const Model model = Model::load(path(".gguf"), {.arithmetic = Arithmetic::kF32, .threads = 1});
  const std::vector<Token> prompt = random_tokens(model, kPrompt, 1);
  write_numbers(path(".tokens"), prompt);
  Session session(model, {.kv = {"f32"}, .threads = 1});
  std::ofstream out(path(".pith"), std::ios::binary);
  session.feed_logits(prompt, [&](int, std::span<const float> logits) {
    out.write(reinterpret_cast<const char*>(logits.data()), static_cast<std::streamsize>(logits.size_bytes()));
  });
  std::vector<Token> greedy;
  for (int i = 0; i < kGreedy; ++i) {
    greedy.push_back(likeliest(session.logits()));
    session.feed(std::span(&greedy.back(), 1));
  }
  write_numbers(path(".greedy"), greedy);
}

}  // namespace
}  // namespace pith::test

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: differential_models FOLDER\n");
    return 2;
  }
  try {
    for (const pith::test::TinyShape& shape : pith::test::tiny_shapes()) pith::test::write_shape(shape, argv[1]);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "differential_models: {}\n", error.what());
    return 1;
  }
}
