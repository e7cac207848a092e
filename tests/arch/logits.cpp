// Writes what pith computes for token ids: float32 logits [tokens, vocab] of every position, then greedy tokens. The
// counterpart of llama_logits.cpp, for tests/arch/compare.py.
//
// usage: arch_logits MODEL TOKENS GREEDY LOGITS GREEDY_TOKENS
//   TOKENS: a text file of ids; GREEDY: number of tokens to generate; the last two are written.
#include <pith/pith.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace pith {
namespace {

Token best(std::span<const float> logits) {
  return static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

void run(std::span<char*> args) {
  std::ifstream ids(args[2]);
  const std::vector<Token> tokens{std::istream_iterator<Token>(ids), {}};
  const int greedy = std::stoi(args[3]);
  const Model model = Model::load(args[1], {.arithmetic = Arithmetic::kF32, .threads = 1});
  Session session(model, {.kv = {.key = "f32"}, .context = static_cast<int>(tokens.size()) + greedy});

  std::ofstream logits_file(args[4], std::ios::binary);
  session.feed_logits(tokens, [&](int, std::span<const float> logits) {
    logits_file.write(reinterpret_cast<const char*>(logits.data()), static_cast<std::streamsize>(logits.size_bytes()));
  });
  std::ofstream tokens_file(args[5]);
  for (int i = 0; i < greedy; ++i) {
    const Token token = best(session.logits());
    tokens_file << token << '\n';
    session.feed(std::span(&token, 1));
  }
  if (!logits_file.flush() || !tokens_file.flush()) throw std::runtime_error("cannot write the results");
}

}  // namespace
}  // namespace pith

int main(int argc, char** argv) try {
  if (argc != 6) throw std::invalid_argument("usage: arch_logits MODEL TOKENS GREEDY LOGITS GREEDY_TOKENS");
  pith::run({argv, static_cast<std::size_t>(argc)});
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
