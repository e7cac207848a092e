// Writes what llama.cpp computes for token ids: float32 logits [tokens, vocab] of every position, then greedy tokens
// and, for each, llama.cpp's logits [vocab] that it was chosen from. Built by scripts/arch_differential.sh against
// llama.cpp, never by pith's own build.
//
// usage: llama_logits MODEL TOKENS GREEDY LOGITS GREEDY_TOKENS GREEDY_LOGITS
//   TOKENS: a text file of ids; GREEDY: number of tokens to generate; the others are written. With 0, for encoders,
//   LOGITS are three hidden states instead: that of the first token, their mean, and that of the last.
#include <llama.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void quiet(ggml_log_level level, const char* text, void* /*data*/) {
  if (level >= GGML_LOG_LEVEL_ERROR) std::cerr << text;
}

struct FreeModel {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct FreeContext {
  void operator()(llama_context* context) const { llama_free(context); }
};

/// Everything in float32: no repacking, no flash attention, a float32 KV cache.
std::unique_ptr<llama_context, FreeContext> context_of(llama_model* model, std::uint32_t tokens, bool embeds) {
  llama_context_params options = llama_context_default_params();
  options.n_ctx = tokens;
  options.n_batch = options.n_ubatch = tokens;
  options.n_threads = options.n_threads_batch = 1;
  options.type_k = options.type_v = GGML_TYPE_F32;
  options.embeddings = embeds;
  options.pooling_type = LLAMA_POOLING_TYPE_NONE;
  options.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  std::unique_ptr<llama_context, FreeContext> context(llama_init_from_model(model, options));
  if (!context) throw std::runtime_error("llama.cpp makes no context");
  return context;
}

/// Feeds tokens from `position` on and leaves logits of each of them.
void feed(llama_context* context, const std::vector<llama_token>& tokens, int position) {
  llama_batch batch = llama_batch_init(static_cast<int>(tokens.size()), 0, 1);
  batch.n_tokens = static_cast<int>(tokens.size());
  for (int i = 0; i < batch.n_tokens; ++i) {
    batch.token[i] = tokens[static_cast<std::size_t>(i)];
    batch.pos[i] = position + i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  const int failed = llama_decode(context, batch);
  llama_batch_free(batch);
  if (failed != 0) throw std::runtime_error("llama_decode returns " + std::to_string(failed));
}

void write_hidden(llama_model* model, llama_context* context, const std::vector<llama_token>& tokens,
                  std::ofstream& file) {
  feed(context, tokens, 0);
  const auto length = static_cast<std::size_t>(llama_model_n_embd(model));
  const auto count = static_cast<int>(tokens.size());
  std::vector<float> mean(length);
  for (int t = 0; t < count; ++t) {
    const float* row = llama_get_embeddings_ith(context, t);
    for (std::size_t i = 0; i < length; ++i) mean[i] += row[i] / static_cast<float>(count);
  }
  for (float* row : {llama_get_embeddings_ith(context, 0), mean.data(), llama_get_embeddings_ith(context, count - 1)})
    file.write(reinterpret_cast<const char*>(row), static_cast<std::streamsize>(length * sizeof(float)));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 7)
    throw std::invalid_argument("usage: llama_logits MODEL TOKENS GREEDY LOGITS GREEDY_TOKENS GREEDY_LOGITS");
  llama_log_set(quiet, nullptr);
  llama_backend_init();
  llama_model_params options = llama_model_default_params();
  options.n_gpu_layers = 0;
  options.use_extra_bufts = false;
  const std::unique_ptr<llama_model, FreeModel> model(llama_model_load_from_file(argv[1], options));
  if (!model) throw std::runtime_error("llama.cpp does not load the model");
  std::ifstream ids(argv[2]);
  const std::vector<llama_token> tokens{std::istream_iterator<llama_token>(ids), {}};
  const int greedy = std::stoi(argv[3]);
  const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
  const auto context = context_of(model.get(), static_cast<std::uint32_t>(tokens.size()) + greedy, greedy == 0);

  std::ofstream logits(argv[4], std::ios::binary);
  std::ofstream chosen(argv[5]);
  std::ofstream chosen_from(argv[6], std::ios::binary);
  const auto bytes = static_cast<std::streamsize>(vocab * sizeof(float));
  if (greedy == 0) {
    write_hidden(model.get(), context.get(), tokens, logits);
    return logits ? 0 : 1;
  }
  feed(context.get(), tokens, 0);
  const int count = static_cast<int>(tokens.size());
  for (int i = 0; i < count; ++i) {
    logits.write(reinterpret_cast<const char*>(llama_get_logits_ith(context.get(), i)), bytes);
  }
  for (int i = 0; i < greedy; ++i) {
    const float* last = llama_get_logits_ith(context.get(), -1);
    const auto token = static_cast<llama_token>(std::max_element(last, last + vocab) - last);
    chosen << token << '\n';
    chosen_from.write(reinterpret_cast<const char*>(last), bytes);
    feed(context.get(), {token}, count + i);
  }
  return logits && chosen && chosen_from ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
