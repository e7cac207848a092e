// llama.cpp's side of scripts/forward_differential.sh, which compiles it against llama.cpp outside of this repository.
//
// usage: differential_llama NAME...
//   Reads NAME.gguf, NAME.tokens and NAME.greedy, and writes NAME.llama: float32 logits [tokens, vocab] after each
//   token of both. Prints a line for a model that llama.cpp refuses.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "llama.h"

namespace {

std::vector<llama_token> read_numbers(const std::string& path) {
  std::ifstream in(path);
  return {std::istream_iterator<llama_token>(in), std::istream_iterator<llama_token>()};
}

bool run(const std::string& name) {
  llama_model_params model_params = llama_model_default_params();
  model_params.use_extra_bufts = false;
  llama_model* model = llama_model_load_from_file((name + ".gguf").c_str(), model_params);
  if (model == nullptr) return false;
  std::vector<llama_token> tokens = read_numbers(name + ".tokens");
  const std::vector<llama_token> greedy = read_numbers(name + ".greedy");
  tokens.insert(tokens.end(), greedy.begin(), greedy.end());
  llama_context_params params = llama_context_default_params();
  params.n_ctx = 0;
  params.n_batch = params.n_ubatch = 512;
  params.n_threads = params.n_threads_batch = 1;
  params.type_k = params.type_v = GGML_TYPE_F32;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  llama_context* context = llama_init_from_model(model, params);
  if (context == nullptr) return false;
  llama_batch batch = llama_batch_init(static_cast<std::int32_t>(tokens.size()), 0, 1);
  for (const llama_token token : tokens) {
    const std::int32_t i = batch.n_tokens++;
    batch.token[i] = token;
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  const bool done = llama_decode(context, batch) == 0;
  const auto vocab = static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model)));
  std::ofstream out(name + ".llama", std::ios::binary);
  for (std::int32_t i = 0; done && i < batch.n_tokens; ++i) {
    const float* logits = llama_get_logits_ith(context, i);
    out.write(reinterpret_cast<const char*>(logits), static_cast<std::streamsize>(vocab * sizeof(float)));
  }
  llama_batch_free(batch);
  llama_free(context);
  llama_model_free(model);
  return done;
}

}  // namespace

int main(int argc, char** argv) {
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  for (int i = 1; i < argc; ++i) {
    if (!run(argv[i])) std::printf("%s: refused by llama.cpp\n", argv[i]);
  }
  return 0;
}
