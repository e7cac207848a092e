// Writes what pith's tokenizer makes of texts, as tests/tokenizer/llama_ids.cpp does with llama.cpp.
//
// usage: tokenizer_ids MODEL TEXTS
//   TEXTS: one text after another, each a 32-bit size and its bytes. Written are the pieces of all tokens as
//   hexadecimal bytes, one a line, an empty line, and two lines of ids for each text: as plain text, then with special
//   tokens.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pith/tokenizer.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

namespace {

void write_pieces(const pith::Tokenizer& tokenizer) {
  for (pith::Token token = 0; token < tokenizer.vocab_size(); ++token) {
    for (const char byte : tokenizer.piece(token, true)) fmt::print("{:02x}", static_cast<std::uint8_t>(byte));
    fmt::print("\n");
  }
  fmt::print("\n");
}

void write_ids(const pith::Tokenizer& tokenizer, std::istream& texts) {
  for (std::uint32_t size = 0; texts.read(reinterpret_cast<char*>(&size), sizeof size);) {
    std::string text(size, '\0');
    texts.read(text.data(), size);
    for (const bool special : {false, true}) {
      fmt::print("{}\n", fmt::join(tokenizer.encode(text, {special, special}), " "));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::invalid_argument("usage: tokenizer_ids MODEL TEXTS");
    const pith::Tokenizer tokenizer = pith::Tokenizer::load(argv[1]);
    std::ifstream texts(argv[2], std::ios::binary);
    write_pieces(tokenizer);
    write_ids(tokenizer, texts);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tokenizer_ids: {}\n", error.what());
    return 1;
  }
  return 0;
}
