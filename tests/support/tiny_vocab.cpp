#include "support/tiny_vocab.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace pith::test {
namespace {

constexpr std::int32_t kNormal = 1;
constexpr std::int32_t kUnknown = 2;
constexpr std::int32_t kControl = 3;
constexpr std::int32_t kByte = 6;

constexpr std::string_view kChatTemplate =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + "
    "'\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// The left and right part of each merge, with a space written as '_'. Parts are bytes or earlier merges.
constexpr std::array<std::pair<std::string_view, std::string_view>, 34> kMerges = {{
    {"_", "t"},  {"_", "a"},  {"i", "n"},  {"h", "e"},  {"r", "e"}, {"o", "n"},  {"e", "r"},   {"_t", "he"}, {"a", "t"},
    {"_", "s"},  {"_", "o"},  {"e", "n"},  {"_", "c"},  {"i", "t"}, {"i", "s"},  {"a", "n"},   {"o", "r"},   {"e", "s"},
    {"_", "w"},  {"_", "b"},  {"in", "g"}, {"_", "p"},  {"o", "u"}, {"_a", "n"}, {"e", "d"},   {"_an", "d"}, {"a", "l"},
    {"_t", "o"}, {"_o", "f"}, {"a", "r"},  {"_", "in"}, {"l", "l"}, {"o", "w"},  {"he", "ll"},
}};

void append_utf8(std::string& text, unsigned code_point) {
  if (code_point < 0x80) {
    text += static_cast<char>(code_point);
    return;
  }
  text += static_cast<char>(0xC0U | (code_point >> 6));
  text += static_cast<char>(0x80U | (code_point & 0x3FU));
}

bool is_visible(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/// GPT-2's spelling: visible Latin-1 characters stand for themselves, all other bytes for U+0100 and up in order.
std::array<std::string, 256> byte_spellings() {
  std::array<std::string, 256> spellings;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) append_utf8(spellings[byte], is_visible(byte) ? byte : next++);
  return spellings;
}

std::string spelled(std::string_view text, const std::array<std::string, 256>& spellings) {
  std::string result;
  for (const char c : text) result += spellings[static_cast<unsigned char>(c == '_' ? ' ' : c)];
  return result;
}

}  // namespace

std::size_t add_tiny_vocab(GgufWriter& writer) {
  const std::array<std::string, 256> spellings = byte_spellings();
  std::vector<std::string> tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  std::vector<std::int32_t> types(tokens.size(), kControl);
  tokens.insert(tokens.end(), spellings.begin(), spellings.end());
  std::vector<std::string> merges;
  for (const auto& [left, right] : kMerges) {
    const std::string parts[] = {spelled(left, spellings), spelled(right, spellings)};
    tokens.push_back(parts[0] + parts[1]);
    merges.push_back(parts[0] + " " + parts[1]);
  }
  types.resize(tokens.size(), kNormal);
  writer.add("tokenizer.ggml.model", "gpt2")
      .add("tokenizer.ggml.pre", "smollm")
      .add_array("tokenizer.ggml.tokens", tokens)
      .add_array("tokenizer.ggml.token_type", types)
      .add_array("tokenizer.ggml.merges", merges)
      .add("tokenizer.ggml.bos_token_id", std::uint32_t{1})
      .add("tokenizer.ggml.eos_token_id", std::uint32_t{2})
      .add("tokenizer.ggml.unknown_token_id", std::uint32_t{0})
      .add("tokenizer.ggml.add_bos_token", false)
      .add("tokenizer.ggml.add_space_prefix", false)
      .add("tokenizer.chat_template", kChatTemplate);
  return tokens.size();
}

std::size_t add_tiny_spm_vocab(GgufWriter& writer) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> types = {kUnknown, kControl, kControl};
  std::vector<float> scores(tokens.size(), 0.0F);
  for (unsigned byte = 0; byte < 256; ++byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    tokens.push_back(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">");
  }
  types.resize(tokens.size(), kByte);
  for (const char* piece : {"▁", "e", "t", "a", "o", "h", "l", "he", "ll", "▁t", "▁the", "▁a", "hello", "lo", "hell"}) {
    tokens.emplace_back(piece);
  }
  types.resize(tokens.size(), kNormal);
  while (scores.size() < tokens.size()) scores.push_back(-static_cast<float>(scores.size()));
  writer.add("tokenizer.ggml.model", "llama")
      .add_array("tokenizer.ggml.tokens", tokens)
      .add_array("tokenizer.ggml.scores", scores)
      .add_array("tokenizer.ggml.token_type", types)
      .add("tokenizer.ggml.bos_token_id", std::uint32_t{1})
      .add("tokenizer.ggml.eos_token_id", std::uint32_t{2})
      .add("tokenizer.ggml.unknown_token_id", std::uint32_t{0})
      .add("tokenizer.ggml.padding_token_id", std::uint32_t{0})
      .add("tokenizer.ggml.add_bos_token", true)
      .add("tokenizer.ggml.add_eos_token", false)
      .add("tokenizer.ggml.add_space_prefix", true)
      .add("tokenizer.chat_template", kChatTemplate);
  return tokens.size();
}

}  // namespace pith::test
