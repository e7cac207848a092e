#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "support/mutations.h"

namespace pith::test {
namespace {

constexpr std::size_t kArrayHeader = sizeof(std::uint32_t) + sizeof(std::uint64_t);

/// Returns the index of a key; the number of keys if it is absent.
std::size_t find(const GgufWriter& writer, std::string_view name) {
  const auto at =
      std::find_if(writer.keys.begin(), writer.keys.end(), [&](const auto& key) { return key.name == name; });
  return static_cast<std::size_t>(at - writer.keys.begin());
}

std::vector<std::string> texts_of(const GgufWriter::Key& key) {
  std::vector<std::string> texts;
  for (std::size_t at = kArrayHeader; at < key.value.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, &key.value[at], sizeof length);
    at += sizeof length;
    texts.emplace_back(reinterpret_cast<const char*>(key.value.data()) + at, length);
    at += length;
  }
  return texts;
}

void set_texts(GgufWriter& writer, const std::string& key, const std::vector<std::string>& texts) {
  writer.remove(key).add_array(key, texts);
}

struct Text {
  std::string name;
  std::string value;
};

std::vector<Text> hostile_texts() {
  return {{"empty", ""},
          {"a space", " "},
          {"two spaces", "  "},
          {"with zeros", std::string("a\0 b\0", 5)},
          {"of control characters", "\n\x1b \x7F"},
          {"invalid UTF-8", "\xFF\xFE \xC3"},
          {"half a character", "\xE2\x96"},
          {"a byte token", "<0x41>"},
          {"a malformed byte token", "<0xZZ>"},
          {"BOS", "<|im_start|>"},
          {"an end token", "</s>"},
          {"of 4096 bytes", std::string(4096, 'a')},
          {"of 4097 bytes", std::string(4097, 'a')},
          {"of 1 MB", std::string(1000000, 'a')}};
}

/// Replaces, removes and adds tokens or merges one by one.
void add_texts(const GgufWriter& writer, const std::string& key, bool length_matters, Mutations& to) {
  const std::size_t at = find(writer, key);
  if (at == writer.keys.size()) return;
  const std::vector<std::string> texts = texts_of(writer.keys[at]);
  const auto change = [&](const std::string& what, bool must_fail, const std::vector<std::string>& other) {
    to.push_back({key + what, must_fail, [=](GgufWriter& w) { set_texts(w, key, other); }});
  };
  for (const std::size_t i :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, texts.size() / 2, texts.size() - 1}) {
    for (const Text& text : hostile_texts()) {
      auto other = texts;
      other[i] = text.value;
      change("[" + std::to_string(i) + "] " + text.name, text.value.size() > 4096, other);
    }
    auto other = texts;
    other[i] = texts[(i + 1) % texts.size()];
    change("[" + std::to_string(i) + "] like the next", false, other);
    other.erase(other.begin() + static_cast<std::ptrdiff_t>(i));
    change("[" + std::to_string(i) + "] taken out", length_matters, other);
  }
  change(" one more", length_matters, [&] {
    auto more = texts;
    more.push_back(texts.back());
    return more;
  }());
  change(" twice as many", length_matters, [&] {
    auto more = texts;
    more.insert(more.end(), texts.begin(), texts.end());
    return more;
  }());
  change(" all the same", false, std::vector<std::string>(texts.size(), texts.back()));
  change(" all empty", !length_matters, std::vector<std::string>(texts.size()));
  change(" one alone", length_matters, {texts.back()});
}

template <typename T>
void add_numbers(const GgufWriter& writer, const std::string& key, const std::vector<std::pair<T, bool>>& values,
                 Mutations& to) {
  const std::size_t at = find(writer, key);
  if (at == writer.keys.size()) return;
  const std::size_t count = (writer.keys[at].value.size() - kArrayHeader) / sizeof(T);
  for (const std::size_t i : {std::size_t{0}, std::size_t{3}, count / 2, count - 1}) {
    for (const auto& [value, must_fail] : values) {
      to.push_back({key + "[" + std::to_string(i) + "] = " + std::to_string(value), must_fail,
                    [=, value = value](GgufWriter& w) {
                      std::memcpy(&w.keys[at].value[kArrayHeader + i * sizeof(T)], &value, sizeof value);
                    }});
    }
  }
  for (const auto& [value, must_fail] : values) {
    to.push_back({key + " all " + std::to_string(value), must_fail,
                  [=, value = value](GgufWriter& w) { w.remove(key).add_array(key, std::vector<T>(count, value)); }});
  }
  for (const std::size_t other : {std::size_t{1}, count - 1, count + 1, 2 * count}) {
    to.push_back({key + " has " + std::to_string(other) + " entries", true,
                  [=](GgufWriter& w) { w.remove(key).add_array(key, std::vector<T>(other, T{1})); }});
  }
}

void add_ids(const GgufWriter& writer, Mutations& to) {
  const std::size_t at = find(writer, "tokenizer.ggml.tokens");
  const auto size = static_cast<std::int64_t>(texts_of(writer.keys[at]).size());
  for (const char* name : {"bos", "eos", "eot", "eom", "unknown", "padding", "seperator", "cls", "mask", "prefix",
                           "suffix", "middle", "fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep"}) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    const auto set = [&](auto id, bool must_fail) {
      to.push_back({key + " = " + std::to_string(id), must_fail, [=](GgufWriter& w) { w.remove(key).add(key, id); }});
    };
    set(std::int64_t{0}, false);
    set(size - 1, false);
    for (const std::int64_t id : {std::int64_t{-1}, size, size + 1, std::int64_t{1} << 32, -size}) set(id, true);
    set(std::numeric_limits<std::uint64_t>::max(), true);
    set(std::numeric_limits<std::uint32_t>::max(), true);
    set(1.0F, true);
  }
}

/// Takes the vocabulary for one of every other kind, and of other pre-tokenizers.
void add_kinds(Mutations& to) {
  const auto set = [&](const std::string& key, const std::string& value, bool must_fail) {
    to.push_back({key + " = " + value, must_fail, [=](GgufWriter& w) { w.remove(key).add(key, value); }});
  };
  for (const char* model : {"gpt2", "llama", "gemma4", "bert", "t5", "whitespace"}) {
    set("tokenizer.ggml.model", model, false);
  }
  for (const char* model : {"rwkv", "plamo2", "hybriddna", "BERT", "t5 "}) set("tokenizer.ggml.model", model, true);
  for (const char* pre : {"afmoe", "gemma4", "jais-2", "kimi-k2", "superbpe", "whitespace"}) {
    set("tokenizer.ggml.pre", pre, false);
  }
}

/// Takes the vocabulary for T5's with such a map of characters.
void add_charsmaps(Mutations& to) {
  const auto set = [&](const std::string& what, const std::vector<std::uint8_t>& bytes) {
    to.push_back({"tokenizer.ggml.precompiled_charsmap " + what, true, [=](GgufWriter& w) {
                    w.remove("tokenizer.ggml.model").add("tokenizer.ggml.model", "t5");
                    w.add_array("tokenizer.ggml.precompiled_charsmap", bytes);
                  }});
  };
  set("of a byte", {1});
  set("without replacements", {0, 0, 0, 0});
  set("that says it is 4 GB", {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0});
  set("whose root is outside", {4, 0, 0, 0, 0, 0, 0xFF, 0x7F, 0});
  set("of one unit", {4, 0, 0, 0, 0, 0, 0, 0, 0});
  std::vector<std::uint8_t> all(std::size_t{1} << 20, 0xFF);
  all[0] = all[1] = all[3] = 0;
  set("of ones", all);
  all.resize(std::size_t{8} << 20);
  set("of 8 MiB", all);
}

void add_templates(Mutations& to) {
  const auto set = [&](const std::string& what, bool must_fail, const std::string& text) {
    const std::string key = "tokenizer.chat_template";
    to.push_back({key + " " + what, must_fail, [=](GgufWriter& w) { w.remove(key).add(key, text); }});
  };
  const auto repeated = [](const std::string& part, std::size_t bytes) {
    std::string text;
    while (text.size() + part.size() <= bytes) text += part;
    return text;
  };
  constexpr std::size_t kMax = std::size_t{1} << 20;
  for (const char* part : {"{{", "{%", "{% if ", "(", "{{'", "''", "{{''}}", "\\", "'<|im_start|>", "[INST]", "{#",
                           "{% for m in m %}", "<|end|><|assistant|>'<|user|>"}) {
    set("of 1 MiB of " + std::string(part), false, repeated(part, kMax));
  }
  set("of 1 MiB and a byte", true, std::string(kMax + 1, 'x'));
  std::string braces;
  braces.resize(10'000'000, '{');
  set("of 10 MB", true, braces);
  set("of invalid UTF-8", true, "{{ '<|im_start|>' }}\xC3\x28");
  set("that ends within a character", true, "<|im_start|>\xE2\x96");
  set("with a zero", false, std::string("<|im_start|>\0{{", 15));
  set("without an end", false, "<|im_start|>{{ '\\");
}

}  // namespace

void add_vocab_mutations(const GgufWriter& writer, Mutations& to) {
  add_texts(writer, "tokenizer.ggml.tokens", true, to);
  add_texts(writer, "tokenizer.ggml.merges", false, to);
  add_numbers<std::int32_t>(
      writer, "tokenizer.ggml.token_type",
      {{-1, true}, {0, false}, {2, false}, {3, false}, {4, false}, {5, false}, {7, true}, {77, true}, {1 << 30, true}},
      to);
  using Limits = std::numeric_limits<float>;
  add_numbers<float>(writer, "tokenizer.ggml.scores",
                     {{Limits::quiet_NaN(), true},
                      {Limits::infinity(), false},
                      {-Limits::infinity(), false},
                      {Limits::max(), false},
                      {Limits::lowest(), false},
                      {0.0F, false}},
                     to);
  add_ids(writer, to);
  add_kinds(to);
  add_charsmaps(to);
  add_templates(to);
}

}  // namespace pith::test
