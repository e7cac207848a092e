#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "gguf/value.h"
#include "support/mutations.h"

namespace pith::test {
namespace {

using gguf::ValueType;

/// A value for a key, and its name.
struct Candidate {
  std::string name;
  std::uint32_t type = 0;
  Bytes value;
};

template <typename T>
Candidate number(T value) {
  Bytes bytes;
  append_number(bytes, value);
  return {gguf::to_string(value_type_of<T>()) + " " + std::to_string(value),
          static_cast<std::uint32_t>(value_type_of<T>()), bytes};
}

Candidate text(std::string name, std::string_view value) {
  Bytes bytes;
  append_string(bytes, value);
  return {"text: " + std::move(name), static_cast<std::uint32_t>(ValueType::kString), bytes};
}

Candidate array(const std::string& name, std::uint32_t element, std::uint64_t count, std::span<const std::byte> bytes) {
  Bytes value;
  append_number(value, element);
  append_number(value, count);
  append_bytes(value, bytes);
  return {"array: " + name, static_cast<std::uint32_t>(ValueType::kArray), value};
}

enum class Kind { kInteger, kFloat, kBool, kText, kArray };

Kind kind_of(std::uint32_t id) {
  const auto type = static_cast<ValueType>(id);
  if (gguf::is_float(type)) return Kind::kFloat;
  if (gguf::is_integer(type)) return Kind::kInteger;
  if (type == ValueType::kBool) return Kind::kBool;
  return type == ValueType::kString ? Kind::kText : Kind::kArray;
}

std::vector<Candidate> integers() {
  std::vector<Candidate> values;
  for (const std::uint32_t value : {0U,       1U,
                                    2U,       3U,
                                    7U,       15U,
                                    16U,      17U,
                                    31U,      33U,
                                    48U,      64U,
                                    100U,     255U,
                                    512U,     528U,
                                    1024U,    1025U,
                                    4097U,    65535U,
                                    1U << 20, (1U << 20) + 1,
                                    1U << 30, (1U << 30) + 1,
                                    1U << 31, ~0U}) {
    values.push_back(number(value));
  }
  for (const std::int32_t value : {-1, -16, std::numeric_limits<std::int32_t>::min()}) values.push_back(number(value));
  for (const std::uint64_t value :
       {std::uint64_t{1} << 32, std::uint64_t{1} << 62, std::uint64_t{1} << 63,
        std::numeric_limits<std::uint64_t>::max() - 31, std::numeric_limits<std::uint64_t>::max()}) {
    values.push_back(number(value));
  }
  for (const std::int64_t value : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()}) {
    values.push_back(number(value));
  }
  return values;
}

std::vector<Candidate> floats() {
  std::vector<Candidate> values;
  using Limits = std::numeric_limits<float>;
  for (const float value : {0.0F, -0.0F, -1.0F, -1e-5F, 1.0F, 2.0F, 1e-13F, 1e-30F, 1e6F, 1e16F, 1e30F, Limits::max(),
                            Limits::lowest(), Limits::min(), Limits::denorm_min(), Limits::infinity(),
                            -Limits::infinity(), Limits::quiet_NaN(), Limits::signaling_NaN()}) {
    values.push_back(number(value));
  }
  for (const double value :
       {0.0, -1.0, 1e-300, 1e300, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    values.push_back(number(value));
  }
  return values;
}

std::vector<Candidate> texts() {
  std::string nested;
  for (int i = 0; i < 20000; ++i) nested += "{% if ((((";
  return {text("empty", ""),
          text("blank", " "),
          text("of control characters", "\n\r\t\x1b[31m\x7F"),
          text("with a zero", std::string_view("lla\0ma", 6)),
          text("of invalid UTF-8", "\xFF\xFE\xC3\x28\xED\xA0\x80"),
          text("of a path", "../../../../etc/passwd"),
          text("of a format", "{}%s%n{0}"),
          text("of 100 KB", std::string(100000, 'x')),
          text("of 3 MB", std::string(3000000, 'y')),
          text("nested", nested)};
}

std::vector<Candidate> arrays() {
  const Bytes zeros(64);
  const auto array_id = static_cast<std::uint32_t>(ValueType::kArray);
  const auto text_id = static_cast<std::uint32_t>(ValueType::kString);
  std::vector<Candidate> values;
  for (const std::uint32_t element : {0U, 4U, 5U, 6U, 7U, 10U, 12U}) {
    const std::size_t size = gguf::fixed_size(static_cast<ValueType>(element));
    const std::string name = gguf::to_string(static_cast<ValueType>(element));
    values.push_back(array("2 of " + name, element, 2, Bytes(2 * size, std::byte{1})));
    values.push_back(array("none of " + name, element, 0, {}));
    values.push_back(array("more of " + name + " than there are", element, std::uint64_t{1} << 40, zeros));
    values.push_back(array("2^64 - 1 of " + name, element, ~std::uint64_t{0}, zeros));
  }
  values.push_back(array("of arrays", array_id, 1, zeros));
  values.push_back(array("of an unknown type", 99, 1, zeros));
  Bytes texts;
  append_string(texts, "llama");
  append_string(texts, "");
  values.push_back(array("of text", text_id, 2, texts));
  Bytes endless;
  append_number(endless, std::numeric_limits<std::uint64_t>::max());
  values.push_back(array("of endless text", text_id, 1, endless));
  values.push_back(array("2^61 texts", text_id, std::uint64_t{1} << 61, zeros));
  return values;
}

/// Returns whether the key is a count that every model must have.
bool is_count(std::string_view key) {
  for (const char* end :
       {".block_count", ".embedding_length", ".head_count", ".head_count_kv", ".key_length", ".value_length",
        ".feed_forward_length", ".context_length", ".dimension_count", ".original_context_length"}) {
    if (key.ends_with(end)) return true;
  }
  return false;
}

/// Returns whether no model can do without the key.
bool is_needed(std::string_view key) {
  for (const char* end : {"general.architecture", ".block_count", ".embedding_length", ".context_length",
                          ".feed_forward_length", ".head_count", ".layer_norm_rms_epsilon", "tokenizer.ggml.model",
                          "tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.scores"}) {
    if (key.ends_with(end)) return true;
  }
  return false;
}

/// 0 means none.
bool may_be_zero(std::string_view key) { return key.ends_with(".final_logit_softcapping"); }

double float_of(const Candidate& candidate) {
  if (candidate.type == static_cast<std::uint32_t>(ValueType::kFloat32)) {
    float value = 0;
    std::memcpy(&value, candidate.value.data(), sizeof value);
    return static_cast<double>(value);
  }
  double value = 0;
  std::memcpy(&value, candidate.value.data(), sizeof value);
  return value;
}

/// Returns whether no architecture and no tokenizer accepts the value.
bool is_wrong(const GgufWriter::Key& key, const Candidate& candidate) {
  const Kind kind = kind_of(candidate.type);
  const Kind wanted = kind_of(key.type);
  const bool by_layer = kind == Kind::kArray && wanted == Kind::kInteger;
  if (kind != wanted) {
    // Heads may be stated by layer, and patterns as a period.
    const bool pattern = wanted == Kind::kArray && key.name.ends_with("sliding_window_pattern");
    return !by_layer && !(pattern && kind == Kind::kInteger);
  }
  if (kind == Kind::kInteger) {
    const bool negative =
        candidate.name.find("int32 -") != std::string::npos || candidate.name.find("int64 -") != std::string::npos;
    if (negative || candidate.name == "uint64 18446744073709551615") return true;
    return candidate.name == "uint32 0" && is_count(key.name);
  }
  if (kind == Kind::kFloat) {
    const double value = float_of(candidate);
    return !std::isfinite(value) || value < 0 || (value == 0 && !may_be_zero(key.name));
  }
  return false;
}

void add_values(std::size_t index, const GgufWriter::Key& key, const std::vector<Candidate>& values, Mutations& to) {
  for (const Candidate& value : values) {
    to.push_back({key.name + " = " + value.name, is_wrong(key, value), [index, value](GgufWriter& w) {
                    w.keys[index].type = value.type;
                    w.keys[index].value = value.value;
                  }});
  }
}

/// Adds everything that can be wrong with an array as such, whatever its elements mean.
void add_array_damage(std::size_t index, const GgufWriter::Key& key, Mutations& to) {
  constexpr std::size_t kCountAt = sizeof(std::uint32_t);
  std::uint64_t count = 0;
  std::memcpy(&count, key.value.data() + kCountAt, sizeof count);
  for (const std::uint64_t stated : {std::uint64_t{0}, count - 1, count + 1, 2 * count, std::uint64_t{1} << 32,
                                     std::uint64_t{1} << 61, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    // What follows is then read as something else.
    to.push_back({key.name + " states " + std::to_string(stated) + " entries", true,
                  [=](GgufWriter& w) { std::memcpy(w.keys[index].value.data() + kCountAt, &stated, sizeof stated); }});
  }
  for (std::uint32_t element = 0; element < 16; ++element) {
    to.push_back({key.name + " states elements of type " + std::to_string(element), false,
                  [=](GgufWriter& w) { std::memcpy(w.keys[index].value.data(), &element, sizeof element); }});
  }
  std::uint32_t element = 0;
  std::memcpy(&element, key.value.data(), sizeof element);
  if (element != static_cast<std::uint32_t>(ValueType::kString)) return;
  for (const std::uint64_t length : {std::uint64_t{1} << 20, std::uint64_t{1} << 40, std::uint64_t{1} << 63,
                                     ~std::uint64_t{0} - 7, ~std::uint64_t{0}}) {
    to.push_back({key.name + "[0] states " + std::to_string(length) + " bytes", true, [=](GgufWriter& w) {
                    std::memcpy(w.keys[index].value.data() + kCountAt + sizeof count, &length, sizeof length);
                  }});
  }
}

void add_names(std::size_t index, const GgufWriter::Key& key, Mutations& to) {
  const auto rename = [&](const std::string& what, const std::string& name, bool must_fail) {
    to.push_back({key.name + " renamed: " + what, must_fail, [=](GgufWriter& w) { w.keys[index].name = name; }});
  };
  rename("empty", "", true);
  rename("with a line end", key.name + "\n", true);
  rename("of invalid UTF-8", "\xFF" + key.name, true);
  rename("of 70000 bytes", std::string(70000, 'k'), true);
  rename("unknown", "x." + key.name, is_needed(key.name));
}

}  // namespace

void add_key_mutations(const GgufWriter& writer, Mutations& to) {
  for (std::size_t i = 0; i < writer.keys.size(); ++i) {
    const GgufWriter::Key& key = writer.keys[i];
    to.push_back({key.name + " absent", is_needed(key.name),
                  [=](GgufWriter& w) { w.keys.erase(w.keys.begin() + static_cast<std::ptrdiff_t>(i)); }});
    to.push_back({key.name + " twice", true, [=](GgufWriter& w) { w.keys.push_back(w.keys[i]); }});
    for (const std::uint32_t type : {13U, 14U, 255U, 65536U, ~0U}) {
      to.push_back(
          {key.name + " of value type " + std::to_string(type), true, [=](GgufWriter& w) { w.keys[i].type = type; }});
    }
    add_names(i, key, to);
    for (const auto& values : {integers(), floats(), texts(), arrays()}) add_values(i, key, values, to);
    add_values(i, key,
               {number(std::uint8_t{1}), number(std::int8_t{-1}), number(std::uint16_t{1}), number(std::int16_t{-1}),
                number(true), number(false)},
               to);
    if (kind_of(key.type) == Kind::kArray) add_array_damage(i, key, to);
  }
}

}  // namespace pith::test
