#pragma once

#include <pith/pith.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace pith::bench {

/// Any tokens: what they say does not matter for how long they take.
inline std::vector<Token> some_tokens(const Model& model, int count, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<Token> any(0, model.info().vocab - 1);
  std::vector<Token> tokens(static_cast<std::size_t>(count));
  std::generate(tokens.begin(), tokens.end(), [&] { return any(engine); });
  return tokens;
}

/// The tokens of a text, without BOS. Throws std::invalid_argument for a file that is empty or cannot be read.
inline std::vector<Token> tokens_of(const Model& model, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.empty()) throw std::invalid_argument(path + ": cannot be read, or is empty");
  return model.tokenizer().encode(text, {.add_special = false, .parse_special = false});
}

}  // namespace pith::bench
