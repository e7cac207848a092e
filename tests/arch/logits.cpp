// Writes what pith computes for token ids, as tests/arch/llama_logits.cpp does with llama.cpp: float32 logits
// [tokens, vocab] of every position, then greedy tokens. float32 arithmetic and a float32 KV cache.
//
// usage: arch_logits MODEL TOKENS GREEDY LOGITS GREEDY_TOKENS
//   TOKENS: a text file of ids; GREEDY: number of tokens to generate; the others are written. Of an encoder, LOGITS are
//   three hidden states instead: that of the first token, their mean, and that of the last.
#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::vector<pith::Token> tokens_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<pith::Token> tokens{std::istream_iterator<pith::Token>(file), {}};
  if (tokens.empty()) throw std::invalid_argument(path + ": no token ids");
  return tokens;
}

void write_logits(pith::Session& session, std::span<const pith::Token> tokens, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  session.feed_logits(tokens, [&](int /*position*/, std::span<const float> logits) {
    file.write(reinterpret_cast<const char*>(logits.data()), static_cast<std::streamsize>(logits.size_bytes()));
  });
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

void write_hidden(pith::Session& session, std::span<const pith::Token> tokens, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  for (const auto pooling : {pith::Pooling::kFirst, pith::Pooling::kMean, pith::Pooling::kLast}) {
    const std::vector<float> hidden = session.embed(tokens, {.pooling = pooling, .normalize = false});
    file.write(reinterpret_cast<const char*>(hidden.data()),
               static_cast<std::streamsize>(hidden.size() * sizeof(float)));
  }
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

void write_greedy(pith::Session& session, int count, const std::string& path) {
  std::ofstream file(path);
  for (int i = 0; i < count; ++i) {
    const std::span<const float> logits = session.logits();
    const auto token = static_cast<pith::Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    file << token << '\n';
    session.feed(std::span(&token, 1));
  }
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 6) throw std::invalid_argument("usage: arch_logits MODEL TOKENS GREEDY LOGITS GREEDY_TOKENS");
  const std::vector<pith::Token> tokens = tokens_of(argv[2]);
  const int greedy = std::stoi(argv[3]);
  // llama.cpp rounds contexts up to whole 256 tokens, and models with long RoPE factors look at the context's length.
  const int context = (static_cast<int>(tokens.size()) + greedy + 255) / 256 * 256;
  pith::ModelOptions options{.arithmetic = pith::Arithmetic::kF32, .threads = 1};
  options.rope.context = context;
  const pith::Model model = pith::Model::load(argv[1], options);
  pith::Session session(model, {.kv = {.key = "f32"}, .context = context});
  if (model.info().encoder) {
    write_hidden(session, tokens, argv[4]);
    return 0;
  }
  write_logits(session, tokens, argv[4]);
  write_greedy(session, greedy, argv[5]);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
