// Writes the seeds of every fuzz target: FOLDER/<target>/<name>.
#include <pith/pith.h>

#include <bit>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fuzz/snapshot_edit.h"
#include "gguf/tensor_type.h"
#include "support/gguf_writer.h"
#include "support/paths.h"
#include "support/random_weights.h"
#include "support/tiny_model.h"
#include "tokenizer/vocab_fixture.h"

namespace pith::fuzz {
namespace {

namespace fs = std::filesystem;
using test::Bytes;
using test::GgufWriter;

class Seeds {
 public:
  Seeds(const fs::path& folder, const char* target) : folder_(folder / target) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void add(const std::string& name, std::span<const std::byte> bytes) const { test::write_file(folder_ / name, bytes); }
  fs::path path(const std::string& name) const { return folder_ / name; }

 private:
  fs::path folder_;
};

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// Writes a text in the form that fuzz::Input::text() reads.
void append_text(Bytes& bytes, std::string_view text) {
  test::append_number(bytes, static_cast<std::uint16_t>(text.size()));
  test::append_bytes(bytes, std::as_bytes(std::span(text)));
}

/// Appends one byte per number.
void append_all(Bytes& bytes, std::initializer_list<std::size_t> numbers) {
  for (const std::size_t n : numbers) test::append_number(bytes, static_cast<std::uint8_t>(n));
}

/// Adds a key of every type, and arrays of them.
void add_all_keys(GgufWriter& writer) {
  writer.add("u8", std::uint8_t{200}).add("i8", std::int8_t{-3}).add("u16", std::uint16_t{65535});
  writer.add("i16", std::int16_t{-2}).add("u32", std::uint32_t{7}).add("i32", std::int32_t{-7});
  writer.add("u64", ~std::uint64_t{0}).add("i64", std::int64_t{-1}).add("f32", 0.5F).add("f64", 1e300);
  writer.add("bool", true).add("string", "one\ntwo").add("general.architecture", "none");
  writer.add_array("bools", std::vector<std::uint8_t>{}).add_array("u8s", std::vector<std::uint8_t>{1, 2, 3});
  writer.add_array("i16s", std::vector<std::int16_t>{-1, 2}).add_array("i64s", std::vector<std::int64_t>{-1, 1});
  writer.add_array("f32s", std::vector<float>{0.0F, -1.0F}).add_array("f64s", std::vector<double>{1e-300});
  writer.add_array("strings", std::vector<std::string>{"", "a", "bc"});
}

void write_gguf(const fs::path& folder) {
  const Seeds seeds(folder, "gguf");
  seeds.add("empty", GgufWriter().bytes());
  GgufWriter keys;
  add_all_keys(keys);
  seeds.add("keys", keys.bytes());
  GgufWriter tensors;
  tensors.set_alignment(64);
  test::Random random(1);
  for (std::size_t i = 0; i < gguf::kTensorTypes; ++i) {
    const gguf::TensorTypeInfo& type = gguf::tensor_type_at(i);
    tensors.add_tensor("t." + std::string(type.name), type.type, {type.block_elements, 2},
                       test::random_weights(random, type.type, 2, type.block_elements, 1.0F));
  }
  seeds.add("tensors", tensors.bytes());
  GgufWriter small;
  small.version = 2;
  small.set_alignment(8).add_tensor("a", {2, 1, 3}, std::vector<float>(6, 1.0F));
  small.add("split.count", std::uint16_t{2}).add("split.no", std::uint16_t{0});
  seeds.add("small", small.bytes());
}

void write_models(const fs::path& folder) {
  const Seeds seeds(folder, "model_load");
  test::TinyModelSpec spec;
  spec.embedding = spec.feed_forward = 32;
  spec.layers = 1;
  spec.heads = 2;
  spec.kv_heads = 1;
  for (const char* architecture : {"llama", "qwen2", "qwen3", "gemma3"}) {
    spec.architecture = architecture;
    spec.sliding_window = spec.architecture == "gemma3" ? 16 : 0;
    spec.weight_type = spec.architecture == "qwen2" ? gguf::TensorType::kQ8_0 : gguf::TensorType::kQ4_0;
    spec.rope = spec.architecture == "qwen3" ? test::TinyRope::kYarn : test::TinyRope::kPlain;
    seeds.add(architecture, test::make_tiny_model(spec));
  }
  spec.architecture = "llama";
  spec.sliding_window = 0;
  spec.rope = test::TinyRope::kLlama3;
  spec.tied_output = false;
  spec.weight_type = gguf::TensorType::kQ5_1;
  seeds.add("llama3-untied", test::make_tiny_model(spec));
  spec.weight_type = gguf::TensorType::kBF16;
  spec.rope = test::TinyRope::kLinear;
  seeds.add("bf16-linear", test::make_tiny_model(spec));
  spec.embedding = spec.feed_forward = 256;
  spec.tied_output = true;
  spec.head_size = 128;
  spec.weight_type = gguf::TensorType::kQ2_K;
  seeds.add("q2_k", test::make_tiny_model(spec));
}

void write_texts(const fs::path& folder) {
  const Seeds seeds(folder, "tokenizer");
  constexpr std::uint8_t kFixtures = 38;
  std::uint8_t which = 0;
  std::size_t number = 0;
  for (const char* name : {"bpe.json", "spm.json", "word_piece.json", "unigram.json"}) {
    const nlohmann::json data = test::read_tokenizer_data(name);
    for (const auto& text : data["texts"]) {
      Bytes bytes;
      test::append_number(bytes, which);
      test::append_bytes(bytes, bytes_of(text.get<std::string>()));
      seeds.add("text-" + std::to_string(number++), bytes);
      which = static_cast<std::uint8_t>((which + 1) % kFixtures);
    }
  }
  // Vocabularies defined by the input itself; tokenizer_fuzz.cpp says in which order.
  for (const std::size_t model : {0U, 1U, 2U, 3U, 4U, 5U}) {
    for (const std::size_t options : {1U, 3U, 0xFFU}) {
      Bytes bytes;
      append_all(bytes, {kFixtures, model, 2, options, 3});
      for (const char* token : {"ab", "<tool>", "abc"}) {
        append_all(bytes, {token[0] == '<' ? 3U : 1U});
        test::append_number(bytes, -1.0F);
        append_text(bytes, token);
      }
      append_all(bytes, {1, 64, 65, 1});
      test::append_bytes(bytes, bytes_of(std::string("\1\0\2\0\0\0", 6) + "ab <tool> abc the  the"));
      seeds.add("own-" + std::to_string(model) + "-" + std::to_string(options), bytes);
    }
  }
}

void write_chats(const fs::path& folder) {
  const Seeds seeds(folder, "chat_template");
  for (const auto& entry : fs::directory_iterator(test::data_dir() / "tokenizer" / "chat")) {
    if (entry.path().extension() != ".jinja") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string jinja((std::istreambuf_iterator<char>(file)), {});
    Bytes bytes;
    append_text(bytes, "<s>");
    append_text(bytes, "</s>");
    append_text(bytes, jinja);
    const char* const contents[] = {"Be brief.", " Hello\n", "Hi\xC2\xA0", "Bye"};
    for (std::size_t i = 0; i < 4; ++i) {
      append_all(bytes, {i == 3 ? 1 : i});
      append_text(bytes, contents[i]);
    }
    seeds.add(entry.path().stem().string(), bytes);
  }
}

void write_snapshots(const fs::path& folder) {
  const Seeds seeds(folder, "snapshot");
  const test::TempDir models;
  const Model model = Model::load(test::write_tiny_model(snapshot_model(), models), {.threads = 1});
  for (const SnapshotSeed& seed : snapshot_seeds()) {
    Session session(model, seed.options);
    std::vector<Token> tokens(seed.tokens);
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<Token>(3 + i * i % 250);
    if (!tokens.empty()) session.feed(tokens);
    session.save(seeds.path(seed.name));
  }
}

void write_rows(const fs::path& folder) {
  const Seeds seeds(folder, "codec");
  const std::vector<std::string> names = builtin_codecs();
  test::Random random(1);
  for (std::size_t codec = 0; codec < names.size(); ++codec) {
    for (std::size_t kind = 0; kind < 12; ++kind) {
      // Codec, side, size, what is checked, whether rows are skipped; queries; how rows grow, their scale, their form.
      Bytes bytes;
      append_all(bytes, {codec, kind % 2, kind % 5, kind, 1});
      for (std::size_t i = 0; i < 256; ++i) append_all(bytes, {static_cast<std::size_t>(random())});
      append_all(bytes, {kind % 3 == 0 ? 16U : 0U, kind * 9, kind % 2});
      for (const float x : test::random_normal(random, 192, 1.0F)) test::append_number(bytes, x);
      seeds.add(names[codec] + "-" + std::to_string(kind), bytes);
    }
  }
}

}  // namespace
}  // namespace pith::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  pith::fuzz::write_gguf(folder);
  pith::fuzz::write_models(folder);
  pith::fuzz::write_texts(folder);
  pith::fuzz::write_chats(folder);
  pith::fuzz::write_snapshots(folder);
  pith::fuzz::write_rows(folder);
  return 0;
}
