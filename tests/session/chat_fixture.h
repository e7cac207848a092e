#pragma once

#include <pith/pith.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "support/tiny_model.h"

namespace pith::test {

constexpr Token kImStart = 1;
constexpr Token kImEnd = 2;

/// What the tiny model has of its own.
constexpr const char* kChatMl = nullptr;
constexpr const char* kLlama3 =
    "{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + "
    "message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";
constexpr const char* kGemma =
    "{% set turns = messages %}{% set first = '' %}{% if messages and messages[0]['role'] == 'system' %}"
    "{% set turns = messages[1:] %}{% set first = messages[0]['content'] + '\n\n' %}{% endif %}"
    "{% for message in turns %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) or "
    "message['role'] not in ['user', 'assistant'] %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else 'user') + '\n' + "
    "(first if loop.first else '') + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}";

inline Model load_tiny(const char* chat_template = kChatMl) {
  const TempDir folder;
  GgufWriter writer = tiny_model_writer();
  if (chat_template != nullptr) {
    writer.remove("tokenizer.chat_template").add("tokenizer.chat_template", chat_template);
  }
  const auto path = folder / "chat.gguf";
  writer.write(path);
  return Model::load(path);
}

inline std::string held_text(const Session& session) {
  return session.model().tokenizer().decode(session.tokens(), true);
}

/// The conversation up to where its last reply begins.
inline std::string rendered_prompt(const Model& model, std::vector<ChatMessage> messages) {
  if (!messages.empty() && messages.back().role == "assistant") messages.pop_back();
  return model.chat_template().render(messages, true);
}

inline std::string without_spaces(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  return text;
}

/// Sampling from the bytes of a few characters and the end token only.
inline SamplingOptions from_alphabet(const std::string& alphabet, float end_bias, std::uint64_t seed) {
  constexpr float kFar = 500.0F;
  constexpr Token kFirstByte = 3;
  SamplingOptions sampling;
  sampling.temperature = 20.0F;
  sampling.seed = seed;
  for (const char c : alphabet) sampling.logit_bias[kFirstByte + static_cast<unsigned char>(c)] = kFar;
  if (end_bias > 0) sampling.logit_bias[kImEnd] = kFar + end_bias;
  return sampling;
}

/// Replies of so many characters "a" and "b".
inline GenerateOptions letters(int tokens, std::uint64_t seed = 1) {
  GenerateOptions options;
  options.tokens_max = tokens;
  options.sampling = from_alphabet("ab", 0.0F, seed);
  return options;
}

/// The kind of error that f throws.
template <typename F>
ErrorKind error_kind(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kInternal;
}

inline std::size_t count(const Session& session, Token token) {
  return static_cast<std::size_t>(std::count(session.tokens().begin(), session.tokens().end(), token));
}

}  // namespace pith::test
