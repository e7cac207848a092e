#include "tools/summary.h"

#include <fmt/format.h>

namespace pith::tools {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

double mebibytes(std::uint64_t bytes) noexcept { return static_cast<double>(bytes) / kMebibyte; }

int answer_tokens(const Generation& generation) noexcept { return static_cast<int>(generation.tokens.size()); }

}  // namespace

double rate(int tokens, double seconds) noexcept { return seconds > 0 ? tokens / seconds : 0.0; }

std::string summary(const Generation& generation, const KvStats& kv) {
  const double share = kv.bytes_f16 == 0 ? 0.0 : static_cast<double>(kv.bytes) / static_cast<double>(kv.bytes_f16);
  const std::string held = kv.held_tokens == kv.tokens ? "" : fmt::format("{} held, ", kv.held_tokens);
  const std::string policy =
      kv.policy_bytes == 0 ? "" : fmt::format("; {:.2f} MiB more for the policy", mebibytes(kv.policy_bytes));
  return fmt::format(
      "prompt: {} tokens, {:.1f} tokens/s; answer: {} tokens, {:.1f} tokens/s; ended by: {}\n"
      "KV cache: {} tokens, {}keys {}, values {}, {:.2f} MiB: {:.2f} of the {:.2f} MiB in f16{}\n",
      generation.prompt_tokens, rate(generation.prompt_tokens, generation.prompt_seconds), answer_tokens(generation),
      rate(answer_tokens(generation), generation.decode_seconds), to_string(generation.reason), kv.tokens, held,
      kv.key_codec, kv.value_codec, mebibytes(kv.bytes), share, mebibytes(kv.bytes_f16), policy);
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
}

}  // namespace pith::tools
