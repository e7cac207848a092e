#include "model/model_impl.h"

#include <map>

#include "base/fail.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/thread_pool.h"
#include "gguf/file.h"
#include "kernels/select.h"
#include "model/bind.h"
#include "model/tensor_bytes.h"
#include "model/vocab_source.h"
#include "tokenizer/make_tokenizer.h"
#include "tokenizer/utf8.h"

namespace pith::model {
namespace {

/// Returns the weight type that takes the most bytes.
std::string commonest_type(const gguf::File& file) {
  std::map<gguf::TensorType, std::size_t> bytes;
  for (const gguf::TensorInfo& tensor : file.tensors()) bytes[tensor.type] += tensor.data.size();
  gguf::TensorType best = gguf::TensorType::kF32;
  std::size_t most = 0;
  for (const auto& [type, count] : bytes) {
    if (count > most) {
      best = type;
      most = count;
    }
  }
  return std::string(gguf::type_info(best).name);
}

std::string text_of(const Tokenizer& tokenizer, Token token) { return token < 0 ? "" : tokenizer.piece(token, true); }

/// Thirty times the length of the longest real one.
constexpr std::size_t kTemplateBytesMax = std::size_t{1} << 20;

ChatTemplate read_chat_template(const gguf::File& file, const Tokenizer& tokenizer) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  const std::string_view jinja = file.metadata().get<std::string_view>(kKey).value_or("");
  if (jinja.size() > kTemplateBytesMax) {
    fail(ErrorKind::kFormat, "{}: {} has {} bytes, at most {} are allowed", file.path(), kKey, jinja.size(),
         kTemplateBytesMax);
  }
  if (const std::size_t valid = tokenizer::valid_utf8_bytes(jinja); valid != jinja.size()) {
    fail(ErrorKind::kFormat, "{}: {} is \"{}\" at byte {}, must be UTF-8", file.path(), kKey,
         printable(jinja.substr(valid, 4)), valid);
  }
  return ChatTemplate::read(jinja, text_of(tokenizer, tokenizer.bos()), text_of(tokenizer, tokenizer.eos()));
}

ModelInfo describe(const gguf::File& file, const Hparams& h, const ModelWeights& weights) {
  ModelInfo info;
  info.name = std::string(file.metadata().get<std::string_view>("general.name").value_or(""));
  info.architecture = h.architecture;
  info.weight_type = commonest_type(file);
  for (const gguf::TensorInfo& tensor : file.tensors()) info.parameters += tensor.columns() * tensor.rows();
  info.weight_bytes = weights.bytes();
  info.token_weight_bytes = info.weight_bytes - (weights.output.empty() ? 0 : weights.embedding.bytes());
  for (const LayerWeights& layer : weights.layers) {
    for (const weights::PackedMatrix* m : layer.matrices()) info.layer_parameters += m->rows() * m->columns();
  }
  info.output_parameters = weights.output_matrix().rows() * weights.output_matrix().columns();
  info.layers = static_cast<int>(h.layers);
  info.embedding = static_cast<int>(h.embedding);
  info.heads = static_cast<int>(h.heads);
  info.kv_heads = static_cast<int>(h.kv_heads);
  info.head_size = static_cast<int>(h.key_size);
  info.feed_forward = static_cast<int>(h.feed_forward);
  info.vocab = static_cast<int>(h.vocab);
  info.context_trained = static_cast<int>(h.context_trained);
  info.sliding_window = static_cast<int>(h.sliding_window);
  return info;
}

}  // namespace

ModelImpl::ModelImpl(const std::filesystem::path& path, const ModelOptions& options)
    : log_(make_logger(options.log)), kernels_(&kernels::select_kernels()), pools_(options.workers, options.threads) {
  const auto headers = options.manifest == nullptr ? gguf::File::Headers::kMapped : gguf::File::Headers::kCopied;
  const gguf::File file = gguf::File::open(path, headers);
  gguf::reading(file, [&] { load(file, options); });
  file.check_read();
  log_->info("{}: {} {}, {} layers, {} weights in {} bytes, kernels {}", file.path(), info_.architecture,
             info_.weight_type, info_.layers, info_.parameters, info_.weight_bytes, kernels_->name);
}

void ModelImpl::load(const gguf::File& file, const ModelOptions& options) {
  // Before anything is made of it.
  if (options.manifest != nullptr) check_described(file, *options.manifest);
  hparams_ = read_hparams(file);
  tokenizer_ = std::make_unique<const Tokenizer>(tokenizer::make_tokenizer(read_vocab_source(file)));
  if (static_cast<std::size_t>(tokenizer_->vocab_size()) > hparams_.vocab) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has {} entries, token_embd.weight only {} rows", file.path(),
         tokenizer_->vocab_size(), hparams_.vocab);
  }
  chat_template_ = read_chat_template(file, *tokenizer_);
  ThreadPool& pool = *pools_.get(0);
  const BindOptions bind{options.arithmetic == Arithmetic::kF32, options.check_weights, options.manifest.get(),
                         options.progress};
  weights_ = bind_weights(file, hparams_, bind, pool);
  info_ = describe(file, hparams_, weights_);
}

}  // namespace pith::model
