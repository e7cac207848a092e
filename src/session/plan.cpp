#include <pith/plan.h>

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/memory.h"
#include "gguf/file.h"
#include "kv/layout/layout.h"
#include "model/buffers.h"
#include "model/model_impl.h"
#include "options/check.h"
#include "options/session_options.h"
#include "session/session_impl.h"

namespace pith::inline v0_1 {
namespace {

/// Measured on SmolLM2-135M (49,152 tokens in the vocabulary) and gemma-3-270m (262,144): tests/tools/plan_test.cpp.
constexpr std::uint64_t kProgramBytes = std::uint64_t{8} << 20;
constexpr std::uint64_t kBytesPerVocabularyToken = 96;

/// The most that the cache holds until it has `tokens` tokens: now, or when the page before was about to be full.
std::uint64_t kv_peak(const Model& model, const KvOptions& kv, int tokens) {
  const int page = static_cast<int>(kv::kPageTokens);
  const std::uint64_t now = predict_kv(model, kv, tokens).bytes;
  const int full_page = tokens / page * page - 1;
  return full_page < 0 ? now : std::max(now, predict_kv(model, kv, full_page).bytes);
}

std::uint64_t scratch_bytes(const model::ModelSpec& spec, const SessionOptions& options) {
  const std::size_t batch = std::min(static_cast<std::size_t>(options::checked(options).batch_tokens),
                                     model::Buffers::tokens_within(spec, model::Buffers::kBytesMax));
  return model::Buffers::bytes_of(spec, batch) + spec.vocab * sizeof(float);
}

}  // namespace

MemoryPlan predict_memory(const Model& model, const SessionOptions& options, int tokens, int sessions) {
  if (sessions < 1) fail(ErrorKind::kInvalidArgument, "sessions is {}, must be at least 1", sessions);
  if (tokens < 0) fail(ErrorKind::kInvalidArgument, "tokens is {}, must be at least 0", tokens);
  const auto count = static_cast<std::uint64_t>(sessions);
  MemoryPlan plan;
  plan.weight_bytes = model.info().weight_bytes;
  plan.kv_bytes = count * kv_peak(model, options.kv, tokens);
  // Scratch memory is lent to a feed by the model; each session keeps the logits that came of its own.
  const model::ModelSpec& spec = model.impl()->spec();
  plan.scratch_bytes = scratch_bytes(spec, options) + count * spec.vocab * sizeof(float);
  plan.process_bytes =
      kProgramBytes + kBytesPerVocabularyToken * static_cast<std::uint64_t>(model.tokenizer().vocab_size());
  return plan;
}

ModelOutline::ModelOutline(Model model, std::uint64_t file_bytes) : model_(std::move(model)), file_bytes_(file_bytes) {}

ModelOutline ModelOutline::read(const std::filesystem::path& path, const ModelOptions& options) {
  ModelOptions plain = options;
  plain.manifest = nullptr;
  auto impl = with_memory_for("read a model's header", [&] {
    return std::make_shared<const model::ModelImpl>(path, plain, model::ModelImpl::Content::kOutline);
  });
  const std::uint64_t file_bytes = impl->file_bytes();
  return ModelOutline(Model(std::move(impl)), file_bytes);
}

const ModelInfo& ModelOutline::info() const noexcept { return model_.info(); }

KvStats ModelOutline::predict_kv(const KvOptions& kv, int tokens) const { return pith::predict_kv(model_, kv, tokens); }

MemoryPlan ModelOutline::predict_memory(const SessionOptions& options, int tokens, int sessions) const {
  return pith::predict_memory(model_, options, tokens, sessions);
}

}  // namespace pith::inline v0_1
