#include "model/fingerprint.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>

#include "io/digest.h"
#include "model/fingerprint_fields.h"

namespace pith::model {
namespace {

using io::FieldWriter;

void put_field(FieldWriter& fields, const std::string& text) { fields.put_text(text); }

template <typename Value>
void put_field(FieldWriter& fields, const Value& value) {
  if constexpr (std::is_same_v<Value, bool>) {
    fields.put_flag(value);
  } else if constexpr (std::is_enum_v<Value>) {
    fields.put(static_cast<std::uint32_t>(value));
  } else if constexpr (std::is_same_v<Value, std::size_t>) {
    io::put_count(fields, value);
  } else {
    fields.put(value);
  }
}

void put_bytes(FieldWriter& fields, std::span<const std::byte> bytes) {
  io::put_count(fields, bytes.size());
  for (const std::uint64_t word : io::xxh3_wide(bytes)) fields.put(word);
}

/// Returns whether a field says how positions are seen.
bool is_positional(const std::string& path) {
  return path.starts_with("rope") || path.ends_with(".rope") || path.ends_with(".window") ||
         path.ends_with(".temperature_scale") || path.ends_with(".temperature_floor");
}

bool is_absent(const weights::PackedMatrix& matrix) { return matrix.empty(); }

template <typename Value>
bool is_absent(const Value& value) {
  return value == Value{};
}

/// Returns whether a field came after the first snapshots of version 3 and has no effect. Such fields are left out, so
/// that those snapshots still load.
template <typename Value>
bool is_later_and_absent(const std::string& path, const Value& value) {
  static constexpr std::string_view kLaterOfModel[] = {"output_bias",        "learned_positions", "positions",
                                                       "rope_short_factors", "rope_long_factors", "drafting_layers",
                                                       "output_norm_tensor", "token_types",       "token_type"};
  static constexpr std::string_view kLater[] = {".attention.softcap",
                                                ".attention.sink_logits",
                                                ".attention.query_key_norm_extent",
                                                ".attention.temperature_scale",
                                                ".attention.temperature_floor",
                                                ".attention.output_gate",
                                                ".attention.clamp",
                                                ".attention.reads_back",
                                                ".attention.values_are_keys",
                                                ".attention.both_ways",
                                                "_norm.plain",
                                                ".output_scale",
                                                ".feed_forward.fused",
                                                ".block_scale",
                                                "_norm_tensor",
                                                ".long_factors"};
  const auto ends = [&](std::string_view ending) { return path.ends_with(ending); };
  const auto contains = [&](std::string_view part) { return path.find(part) != std::string::npos; };
  return is_absent(value) &&
         (contains(".experts.") || contains(".recurrent.") || contains(".latent.") || contains("_sum_norm.") ||
          contains(".value_norm.") || contains("layer_embedding") || path.starts_with("embedding_norm.") ||
          std::any_of(std::begin(kLater), std::end(kLater), ends) ||
          std::find(std::begin(kLaterOfModel), std::end(kLaterOfModel), path) != std::end(kLaterOfModel));
}

}  // namespace

void put_vocabulary(FieldWriter& fields, const Tokenizer& tokenizer) {
  fields.put(tokenizer.vocab_size());
  fields.put(tokenizer.bos());
  fields.put(tokenizer.eos());
  for (Token token = 0; token < tokenizer.vocab_size(); ++token) {
    fields.put_text(tokenizer.piece(token, true));
    fields.put_flag(tokenizer.is_special(token));
    fields.put_flag(tokenizer.is_end_of_generation(token));
  }
}

void put_weights(FieldWriter& fields, const Vector& vector) { put_bytes(fields, std::as_bytes(std::span(vector))); }

void put_weights(FieldWriter& fields, const weights::PackedMatrix& matrix) {
  io::put_count(fields, matrix.rows());
  io::put_count(fields, matrix.columns());
  if (matrix.empty()) return;
  fields.put(static_cast<std::uint32_t>(matrix.format()));
  fields.put_flag(matrix.quantized());
  put_bytes(fields, std::as_bytes(std::span(matrix.panel(0), matrix.bytes())));
  for (const weights::LowRank& more : matrix.added()) {
    put_weights(fields, more.a);
    put_weights(fields, more.b);
  }
}

Fingerprint fingerprint(const ModelSpec& spec, const Tokenizer& tokenizer, const ModelWeights& weights) {
  FieldWriter model;
  FieldWriter positions;
  const auto fields_of = [&](const std::string& path) -> FieldWriter& {
    FieldWriter& fields = is_positional(path) ? positions : model;
    fields.put_text(path);
    return fields;
  };
  for_each_leaf(spec, [&](const std::string& path, const auto& value) {
    if (!is_later_and_absent(path, value)) put_field(fields_of(path), value);
  });
  for_each_leaf(weights, [&](const std::string& path, const auto& value) {
    if (!is_later_and_absent(path, value)) put_weights(fields_of(path), value);
  });
  put_vocabulary(model, tokenizer);
  return {io::sha256(model.bytes()), io::sha256(positions.bytes())};
}

}  // namespace pith::model
