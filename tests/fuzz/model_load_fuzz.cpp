// Loads bytes as a model: it is refused, or it runs.
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fuzz/fuzz.h"
#include "fuzz/gguf_edit.h"

namespace pith::fuzz {
namespace {

constexpr int kContext = 96;

void check_info(const Model& model) {
  const ModelInfo& info = model.info();
  require(info.layers > 0 && info.embedding > 0 && info.heads > 0 && info.kv_heads > 0 && info.vocab > 0,
          "a model that was loaded has a size");
  require(info.heads % info.kv_heads == 0, "heads share KV heads evenly");
  require(model.tokenizer().vocab_size() <= info.vocab, "every token has a row");
}

/// Feeds more than a page of tokens, so that pages are sealed, then generates some.
void run_session(const Model& model, const char* kv) {
  Session session(model, {.kv = {.key = kv}, .context = kContext, .threads = 1, .batch_tokens = 40});
  std::vector<Token> tokens = model.tokenizer().encode("The capital of France is Paris, <|im_end|> 42.");
  while (tokens.size() < 70) tokens.push_back(static_cast<Token>(tokens.size()) % model.info().vocab);
  tokens.resize(70);
  session.feed(tokens);
  for (int i = 0; i < 3; ++i) session.step();
  const std::span<const float> logits = session.logits();
  require(logits.size() == static_cast<std::size_t>(model.info().vocab), "one logit a token");
  require(std::ranges::all_of(logits, [](float x) { return std::isfinite(x); }), "logits are finite or refused");
  require(session.position() == 73, "what was fed was counted");
}

void run(std::span<const std::byte> bytes) {
  const MemoryFile file(bytes);
  refused([&] {
    const Model model = Model::load(file.path(), {.threads = 1});
    check_info(model);
    refused([&] { model.chat_template().render(std::vector<ChatMessage>{{"user", "Hi"}}); });
    // The input decides which cache is used, so that a finding can be replayed.
    run_session(model, bytes.size() % 2 == 0 ? "int4" : "f16");
  });
}

}  // namespace
}  // namespace pith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pith::fuzz::run(std::as_bytes(std::span(data, size)));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned seed) {
  return pith::fuzz::mutate_gguf(data, size, size_max, seed);
}
