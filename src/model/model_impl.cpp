#include "model/model_impl.h"

#include <map>

#include "base/fail.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/thread_pool.h"
#include "gguf/file.h"
#include "kernels/select.h"
#include "manifest/tensor_bytes.h"
#include "model/adapters.h"
#include "model/bind.h"
#include "model/read_spec.h"
#include "model/same_on_ranks.h"
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
  const bool adds_bos = !tokenizer.encode("", EncodeOptions{.add_special = true}).empty();
  return ChatTemplate::read(jinja, text_of(tokenizer, tokenizer.bos()), text_of(tokenizer, tokenizer.eos()), adds_bos);
}

Pooling read_pooling(const gguf::File& file, const std::string& architecture) {
  const std::string key = architecture + ".pooling_type";
  switch (const std::uint64_t type = file.metadata().get<std::uint64_t>(key).value_or(0); type) {
    case 0:
      return Pooling::kModel;
    case 1:
      return Pooling::kMean;
    case 2:
      return Pooling::kFirst;
    case 3:
      return Pooling::kLast;
    default:
      fail(ErrorKind::kUnsupported, "{}: {} is {}; known are 0 (not stated), 1 (mean), 2 (first), 3 (last)",
           file.path(), key, type);
  }
}

ModelInfo describe(const gguf::File& file, const ModelSpec& spec, const ModelWeights& weights) {
  ModelInfo info;
  info.name = std::string(file.metadata().get<std::string_view>("general.name").value_or(""));
  info.architecture = spec.architecture;
  info.weight_type = commonest_type(file);
  for (const gguf::TensorInfo& tensor : file.tensors()) info.parameters += tensor.columns() * tensor.rows();
  info.weight_bytes = weights.bytes();
  info.token_weight_bytes = weights.token_bytes(spec);
  info.layer_parameters = weights.layer_parameters(spec);
  info.output_parameters = weights.output_matrix().rows() * weights.output_matrix().columns();
  info.layers = static_cast<int>(spec.layers.size());
  info.embedding = static_cast<int>(spec.hidden_size);
  const LayerSpec& layer = spec.first_attending();
  info.heads = static_cast<int>(layer.attention.heads);
  info.kv_heads = static_cast<int>(layer.attention.kv_heads);
  info.head_size = static_cast<int>(layer.attention.key_size);
  info.feed_forward = static_cast<int>(layer.feed_forward.size);
  info.vocab = static_cast<int>(spec.vocab);
  info.context_trained = static_cast<int>(spec.context_trained);
  info.sliding_window = static_cast<int>(spec.window_max());
  const ExpertsSpec& experts = spec.layers.back().feed_forward.experts;
  info.experts = static_cast<int>(experts.count);
  info.experts_used = static_cast<int>(experts.used);
  info.encoder = spec.is_encoder();
  info.pooling = read_pooling(file, spec.architecture);
  return info;
}

}  // namespace

ModelImpl::ModelImpl(const std::filesystem::path& path, const ModelOptions& options, Content content)
    : log_(make_logger(options.log)),
      kernels_(&kernels::select_kernels()),
      ranks_(options.ranks),
      pools_(options.workers, options.threads) {
  const auto headers = options.manifest == nullptr ? gguf::File::Headers::kMapped : gguf::File::Headers::kCopied;
  const gguf::File file = gguf::File::open(path, headers);
  gguf::reading(file, [&] { load(file, options, content); });
  file.check_read();
  if (ranks_ != nullptr && content == Content::kWhole) check_same_model(*ranks_, fingerprint());
  log_->info("{}: {} {}, {} layers, {} weights in {} bytes, kernels {}", file.path(), info_.architecture,
             info_.weight_type, info_.layers, info_.parameters, info_.weight_bytes, kernels_->name);
}

void ModelImpl::load(const gguf::File& file, const ModelOptions& options, Content content) {
  // Before anything is made of it.
  if (options.manifest != nullptr) manifest::check_described(file, *options.manifest);
  for (std::size_t part = 0; part < file.parts(); ++part) file_bytes_ += file.part_bytes(part).size();
  spec_ = read_spec(file, options.rope);
  tokenizer_ = std::make_unique<const Tokenizer>(tokenizer::make_tokenizer(read_vocab_source(file)));
  if (static_cast<std::size_t>(tokenizer_->vocab_size()) > spec_.vocab) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has {} entries, token_embd.weight only {} rows", file.path(),
         tokenizer_->vocab_size(), spec_.vocab);
  }
  chat_template_ = read_chat_template(file, *tokenizer_);
  Adapters adapters(options.adapters, spec_.architecture);
  const BindOptions bind{options.arithmetic == Arithmetic::kF32, options.check_weights, options.manifest.get(),
                         options.progress, options.adapters.empty() ? nullptr : &adapters};
  if (content == Content::kOutline) {
    weights_ = outline_weights(file, spec_, bind);
  } else {
    weights_ = bind_weights(file, spec_, bind, *pools_.get(0));
  }
  info_ = describe(file, spec_, weights_);
  info_.adapters = static_cast<int>(options.adapters.size());
}

}  // namespace pith::model
