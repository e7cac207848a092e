#include "tools/summary.h"

#include <fmt/format.h>

#include <cstdint>

#include "tools/byte_size.h"

namespace pith::tools {
namespace {

int answer_tokens(const Generation& generation) noexcept { return static_cast<int>(generation.tokens.size()); }

}  // namespace

double rate(int tokens, double seconds) noexcept { return seconds > 0 ? tokens / seconds : 0.0; }

std::string summary(const Generation& generation, const KvStats& kv) {
  return fmt::format("prompt: {} tokens, {:.1f} tokens/s; answer: {} tokens, {:.1f} tokens/s; ended by: {}\n{}",
                     generation.prompt_tokens, rate(generation.prompt_tokens, generation.prompt_seconds),
                     answer_tokens(generation), rate(answer_tokens(generation), generation.decode_seconds),
                     to_string(generation.reason), kv_summary(kv));
}

std::string kv_summary(const KvStats& kv) {
  const std::string codecs = kv.key_codec == kv.value_codec
                                 ? fmt::format("{} keys and values", kv.key_codec)
                                 : fmt::format("{} keys, {} values", kv.key_codec, kv.value_codec);
  std::string text = fmt::format("KV cache: {}, {} for {} tokens", codecs, bytes_text(kv.bytes), kv.tokens);
  if (kv.held_tokens != kv.tokens) text += fmt::format(", {} of them held", kv.held_tokens);
  if (kv.bytes_f16 != 0) {
    const bool less = kv.bytes <= kv.bytes_f16;
    const std::uint64_t difference = less ? kv.bytes_f16 - kv.bytes : kv.bytes - kv.bytes_f16;
    text += fmt::format(", {} ({:.0f} %) {} than f16", bytes_text(difference),
                        100.0 * static_cast<double>(difference) / static_cast<double>(kv.bytes_f16),
                        less ? "less" : "more");
    // Of a few tokens that is all there is.
    if (!less && kv.exact_bytes >= difference) text += ": the newest page of 64 tokens is exact until it is full";
  }
  if (kv.marks != 0) text += fmt::format("; {} for {} marks", bytes_text(kv.mark_bytes), kv.marks);
  if (kv.policy_bytes != 0) text += fmt::format("; {} for the eviction policy", bytes_text(kv.policy_bytes));
  return text + "\n";
}

std::string context_warning(const Session& session) {
  const int trained = session.model().info().context_trained;
  if (session.context() <= trained) return "";
  return fmt::format(
      "pith: warning: a context of {} tokens, but the model was trained for {}: what lies beyond may make no sense\n",
      session.context(), trained);
}

Json to_json(const Generation& generation, const KvStats& kv) {
  Json json;
  json["text"] = generation.text;
  json["tokens"] = generation.tokens;
  json["reason"] = to_string(generation.reason);
  json["prompt_tokens"] = generation.prompt_tokens;
  json["prompt_seconds"] = generation.prompt_seconds;
  json["prompt_tokens_per_second"] = rate(generation.prompt_tokens, generation.prompt_seconds);
  json["decode_tokens"] = answer_tokens(generation);
  json["decode_seconds"] = generation.decode_seconds;
  json["decode_tokens_per_second"] = rate(answer_tokens(generation), generation.decode_seconds);
  add_kv(json, kv);
  return json;
}

void add_kv(Json& json, const KvStats& kv) {
  json["kv_key"] = kv.key_codec;
  json["kv_value"] = kv.value_codec;
  json["kv_tokens"] = kv.tokens;
  json["kv_bytes"] = kv.bytes;
  json["kv_bytes_f16"] = kv.bytes_f16;
  json["kv_held_tokens"] = kv.held_tokens;
  json["kv_policy_bytes"] = kv.policy_bytes;
  json["kv_marks"] = kv.marks;
  json["kv_mark_bytes"] = kv.mark_bytes;
}

}  // namespace pith::tools
