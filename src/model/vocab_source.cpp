#include "model/vocab_source.h"

#include "base/fail.h"

namespace pith::model {
namespace {

constexpr std::string_view kPrefix = "tokenizer.ggml.";

/// Reads all keys "tokenizer.ggml.…_token_id" that are present.
std::vector<std::pair<std::string_view, std::int64_t>> read_ids(const gguf::Metadata& metadata) {
  std::vector<std::pair<std::string_view, std::int64_t>> ids;
  for (const gguf::MetadataEntry& entry : metadata.entries()) {
    if (!entry.key.starts_with(kPrefix) || !entry.key.ends_with("_token_id")) continue;
    ids.emplace_back(entry.key.substr(kPrefix.size()), metadata.require<std::int64_t>(entry.key));
  }
  return ids;
}

/// Refuses an array whose length the tokenizer would refuse, before anything is made of it.
void check_length(const gguf::File& file, std::string_view key, std::size_t tokens) {
  const gguf::Value* value = file.metadata().find(key);
  if (tokens == 0 || value == nullptr || !value->is_array() || value->count == 0 || value->count == tokens) return;
  fail(ErrorKind::kFormat, "{}: {} has {} entries, tokenizer.ggml.tokens {}", file.path(), key, value->count, tokens);
}

/// Returns the bytes of an array of bytes; nothing if the key is absent.
std::span<const std::byte> read_bytes(const gguf::File& file, std::string_view key) {
  const gguf::Value* value = file.metadata().find(key);
  if (value == nullptr) return {};
  const bool of_bytes = value->element == gguf::ValueType::kUint8 || value->element == gguf::ValueType::kInt8;
  if (value->is_array() && of_bytes) return value->bytes;
  fail(ErrorKind::kFormat, "{}: {} is {}, must be an array of bytes", file.path(), key, gguf::type_text(*value));
}

}  // namespace

tokenizer::VocabSource read_vocab_source(const gguf::File& file) {
  const gguf::Metadata& metadata = file.metadata();
  const auto id = [&](const char* key) { return metadata.get<std::int64_t>(key); };
  tokenizer::VocabSource source;
  source.file = file.path();
  source.name = std::string(metadata.get<std::string_view>("general.name").value_or(""));
  source.architecture = std::string(metadata.get<std::string_view>("general.architecture").value_or(""));
  source.model = std::string(metadata.require<std::string_view>("tokenizer.ggml.model"));
  source.pre = std::string(metadata.get<std::string_view>("tokenizer.ggml.pre").value_or(""));
  source.tokens = metadata.strings("tokenizer.ggml.tokens");
  for (const char* key : {"tokenizer.ggml.scores", "tokenizer.ggml.token_type"})
    check_length(file, key, source.tokens.size());
  source.scores = metadata.floats("tokenizer.ggml.scores");
  source.token_type = metadata.integers("tokenizer.ggml.token_type");
  source.merges = metadata.strings("tokenizer.ggml.merges");
  source.bos_token_id = id("tokenizer.ggml.bos_token_id");
  source.eos_token_id = id("tokenizer.ggml.eos_token_id");
  source.eot_token_id = id("tokenizer.ggml.eot_token_id");
  source.eom_token_id = id("tokenizer.ggml.eom_token_id");
  source.unknown_token_id = id("tokenizer.ggml.unknown_token_id");
  source.separator_token_id = id("tokenizer.ggml.seperator_token_id");
  source.fim_pad_token_id = id("tokenizer.ggml.fim_pad_token_id");
  source.fim_rep_token_id = id("tokenizer.ggml.fim_rep_token_id");
  source.fim_sep_token_id = id("tokenizer.ggml.fim_sep_token_id");
  source.other_ids = read_ids(metadata);
  source.add_bos_token = metadata.get<bool>("tokenizer.ggml.add_bos_token");
  source.add_eos_token = metadata.get<bool>("tokenizer.ggml.add_eos_token");
  source.add_space_prefix = metadata.get<bool>("tokenizer.ggml.add_space_prefix");
  source.remove_extra_whitespaces = metadata.get<bool>("tokenizer.ggml.remove_extra_whitespaces");
  source.normalizer_lowercase = metadata.get<bool>("tokenizer.ggml.normalizer.lowercase");
  source.normalizer_strip_accents = metadata.get<bool>("tokenizer.ggml.normalizer.strip_accents");
  source.precompiled_charsmap = read_bytes(file, "tokenizer.ggml.precompiled_charsmap");
  return source;
}

}  // namespace pith::model
