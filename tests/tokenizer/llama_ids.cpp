// Writes what llama.cpp's tokenizer makes of texts, as tests/tokenizer/ids.cpp does with pith. Built by
// scripts/tokenizer_differential.sh against llama.cpp, never by pith's own build.
//
// usage: llama_ids MODEL TEXTS
#include <llama.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

void write_pieces(const llama_vocab* vocab) {
  std::vector<char> piece(1 << 20);
  for (llama_token token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    const int size = llama_token_to_piece(vocab, token, piece.data(), static_cast<int>(piece.size()), 0, true);
    for (int i = 0; i < size; ++i) std::printf("%02x", static_cast<unsigned>(static_cast<std::uint8_t>(piece[i])));
    std::printf("\n");
  }
  std::printf("\n");
}

void write_ids(const llama_vocab* vocab, std::istream& texts) {
  for (std::uint32_t size = 0; texts.read(reinterpret_cast<char*>(&size), sizeof size);) {
    std::string text(size, '\0');
    texts.read(text.data(), size);
    for (const bool special : {false, true}) {
      std::vector<llama_token> tokens(size + 64);
      const auto encode = [&] {
        return llama_tokenize(vocab, text.data(), static_cast<int>(size), tokens.data(),
                              static_cast<int>(tokens.size()), special, special);
      };
      int count = encode();
      if (count < 0) {
        tokens.resize(static_cast<std::size_t>(-count));
        count = encode();
      }
      for (int i = 0; i < count; ++i) std::printf(i == 0 ? "%d" : " %d", tokens[static_cast<std::size_t>(i)]);
      std::printf("\n");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  llama_model* model = llama_model_load_from_file(argv[1], params);
  if (model == nullptr) {
    std::fprintf(stderr, "llama_ids: %s cannot be loaded\n", argv[1]);
    return 1;
  }
  std::ifstream texts(argv[2], std::ios::binary);
  const llama_vocab* vocab = llama_model_get_vocab(model);
  write_pieces(vocab);
  write_ids(vocab, texts);
  return 0;
}
