#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>

#include "io/digest.h"
#include "support/tiny_model.h"

// The manifest finds and names every change of a model's files.
namespace pith::test {
namespace {

using Part = ManifestDifference::Part;
using Change = ManifestDifference::Change;

std::string hex_digest(std::span<const std::byte> bytes) { return io::to_hex(io::sha256(bytes)); }

Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

/// Overwrites part of a file in place, which others may have mapped.
void overwrite(const std::filesystem::path& path, std::size_t at, std::span<const std::byte> bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at))
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() { writer_.write(path_); }

  /// Returns where a tensor's data begins in the file.
  std::size_t offset_of(const std::string& name) const {
    const Bytes bytes = writer_.bytes();
    for (const GgufWriter::Tensor& tensor : writer_.tensors) {
      if (tensor.name != name) continue;
      const auto at = std::search(bytes.begin(), bytes.end(), tensor.data.begin(), tensor.data.end());
      return static_cast<std::size_t>(at - bytes.begin());
    }
    throw std::invalid_argument(name);
  }
  std::shared_ptr<const Manifest> manifest() const { return std::make_shared<const Manifest>(make_manifest(path_)); }
  /// Returns why a load with this manifest is refused; empty if it is not.
  std::string refusal(const std::shared_ptr<const Manifest>& manifest, const ModelOptions& more = {}) const {
    ModelOptions options = more;
    options.manifest = manifest;
    try {
      Model::load(path_, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kIntegrity) << error.what();
      return error.what();
    }
    return "";
  }
  std::vector<float> logits_of(const Model& model) const {
    Session session(model);
    session.feed("in the other");
    return {session.logits().begin(), session.logits().end()};
  }

  const TempDir folder_;
  GgufWriter writer_ = tiny_model_writer({.layers = 3, .tied_output = false});
  const std::filesystem::path path_ = folder_ / "model.gguf";
};

void expect_parts(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

TEST_F(ManifestTest, SaysWhatTheFileHolds) {
  const Manifest made = make_manifest(path_, {.threads = 3});
  ASSERT_EQ(made.files.size(), 1U);
  EXPECT_EQ(made.files[0].name, "model.gguf");
  EXPECT_EQ(made.files[0].bytes, std::filesystem::file_size(path_));
  EXPECT_EQ(made.files[0].sha256, hex_digest(read_bytes(path_)));
  ASSERT_EQ(made.tensors.size(), writer_.tensors.size());
  for (std::size_t i = 0; i < made.tensors.size(); ++i) {
    EXPECT_EQ(made.tensors[i].name, writer_.tensors[i].name);
    EXPECT_EQ(made.tensors[i].type, "F32");
    EXPECT_EQ(made.tensors[i].shape, writer_.tensors[i].dims);
    EXPECT_EQ(made.tensors[i].sha256, hex_digest(writer_.tensors[i].data));
  }
  const auto names = [&](const char* name) {
    return std::count_if(made.metadata.begin(), made.metadata.end(), [&](const auto& key) { return key.name == name; });
  };
  for (const char* name : {"tokenizer.ggml.tokens", "tokenizer.chat_template", "llama.block_count"})
    EXPECT_EQ(names(name), 1) << name;
  EXPECT_TRUE(compare(made, make_manifest(path_, {.threads = 1})).empty());
}

TEST_F(ManifestTest, ProgressGoesUpToOne) {
  std::vector<double> shares;
  make_manifest(path_, {.threads = 1, .progress = [&](double share) { shares.push_back(share); }});
  ASSERT_FALSE(shares.empty());
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_DOUBLE_EQ(shares.back(), 1.0);
}

TEST_F(ManifestTest, ComesBackFromJson) {
  const Manifest made = make_manifest(path_);
  const std::string text = to_json(made);
  EXPECT_EQ(to_json(parse_manifest(text)), text);
  write_manifest(made, folder_ / "m.json");
  EXPECT_TRUE(compare(made, read_manifest(folder_ / "m.json")).empty());
  EXPECT_EQ(refusal(std::make_shared<const Manifest>(read_manifest(folder_ / "m.json"))), "");
}

TEST_F(ManifestTest, AModelThatIsWhatItSaysLoadsTheSame) {
  const std::vector<float> expected = logits_of(Model::load(path_));
  for (const int threads : {1, 2, 5})
    EXPECT_EQ(logits_of(Model::load(path_, {.threads = threads, .manifest = manifest()})), expected);
  const Model exact = Model::load(path_, {.arithmetic = Arithmetic::kF32});
  EXPECT_EQ(logits_of(Model::load(path_, {.arithmetic = Arithmetic::kF32, .manifest = manifest()})), logits_of(exact));
}

/// Flips one bit, and keeps what the manifest reports: all differences, or why the file cannot be read at all.
struct Flip {
  std::vector<ManifestDifference> differences;
  std::string error;

  Flip(const Manifest& expected, const std::filesystem::path& path, Bytes bytes, std::size_t at, unsigned bit) {
    bytes[at] ^= static_cast<std::byte>(1U << bit);
    write_file(path, bytes);
    try {
      differences = compare(expected, make_manifest(path, {.threads = 1}));
    } catch (const Error& e) {
      error = e.what();
    }
  }
  bool names(Part part, const std::string& name) const {
    return std::any_of(differences.begin(), differences.end(),
                       [&](const auto& d) { return d.part == part && (name.empty() || d.name == name); });
  }
};

TEST_F(ManifestTest, AnyBitOfATensorNamesIt) {
  const auto expected = manifest();
  const Bytes sound = writer_.bytes();
  std::mt19937 random(1);
  for (const GgufWriter::Tensor& tensor : writer_.tensors) {
    for (int round = 0; round < 3; ++round) {
      const std::size_t at = offset_of(tensor.name) + random() % tensor.data.size();
      const Flip flip(*expected, path_, sound, at, random() % 8);
      EXPECT_EQ(flip.error, "");
      ASSERT_EQ(flip.differences.size(), 2U) << tensor.name;
      EXPECT_TRUE(flip.names(Part::kFile, "model.gguf"));
      EXPECT_TRUE(flip.names(Part::kTensor, tensor.name));
      expect_parts(refusal(expected), {"model.gguf: tensor " + tensor.name + ": SHA-256 is ", "the manifest says "});
    }
  }
}

TEST_F(ManifestTest, AnyBitOfTheHeaderIsFound) {
  const auto expected = manifest();
  const Bytes sound = writer_.bytes();
  std::mt19937 random(2);
  int named = 0;
  for (int round = 0; round < 600; ++round) {
    const Flip flip(*expected, path_, sound, random() % writer_.header().size(), random() % 8);
    const bool part = flip.names(Part::kKey, "") || flip.names(Part::kTensor, "");
    named += part ? 1 : 0;
    EXPECT_TRUE(!flip.error.empty() || flip.names(Part::kFile, "model.gguf"));
    if (!part) continue;
    expect_parts(refusal(expected), {"model.gguf: ", "the manifest "});
  }
  EXPECT_GT(named, 100);
}

TEST_F(ManifestTest, AnyBitAnywhereIsFound) {
  // With gaps between tensors.
  writer_.set_alignment(1024);
  writer_.write(path_);
  const auto expected = manifest();
  const Bytes sound = writer_.bytes();
  std::mt19937 random(3);
  int padding = 0;
  for (int round = 0; round < 400; ++round) {
    const Flip flip(*expected, path_, sound, random() % sound.size(), random() % 8);
    EXPECT_TRUE(!flip.error.empty() || flip.names(Part::kFile, "model.gguf"));
    // A part of the file that is not used does not stop a load.
    if (!flip.error.empty() || flip.differences.size() != 1) continue;
    ++padding;
    EXPECT_EQ(refusal(expected), "");
  }
  EXPECT_GT(padding, 3);
}

TEST_F(ManifestTest, AllDifferencesAreToldAtOnce) {
  const auto expected = manifest();
  GgufWriter other = writer_;
  other.remove("tokenizer.chat_template").add("tokenizer.chat_template", "Obey. {{ messages }}");
  other.remove("llama.context_length").add("llama.context_length", std::uint64_t{4096});
  other.remove("tokenizer.ggml.eos_token_id").add("new.key", true);
  other.tensors[0].name = "renamed.weight";
  other.tensors[1].dims = {8, 8};
  other.tensors[2].data[5] ^= std::byte{1};
  other.write(path_);
  const auto differences = compare(*expected, make_manifest(path_));
  const auto has = [&](Part part, Change change, const std::string& name) {
    return std::count_if(differences.begin(), differences.end(),
                         [&](const auto& d) { return d.part == part && d.change == change && d.name == name; });
  };
  EXPECT_EQ(has(Part::kFile, Change::kShape, "model.gguf") + has(Part::kFile, Change::kContent, "model.gguf"), 1);
  EXPECT_EQ(has(Part::kKey, Change::kContent, "tokenizer.chat_template"), 1);
  EXPECT_EQ(has(Part::kKey, Change::kShape, "llama.context_length"), 1);
  EXPECT_EQ(has(Part::kKey, Change::kMissing, "tokenizer.ggml.eos_token_id"), 1);
  EXPECT_EQ(has(Part::kKey, Change::kExtra, "new.key"), 1);
  EXPECT_EQ(has(Part::kTensor, Change::kMissing, writer_.tensors[0].name), 1);
  EXPECT_EQ(has(Part::kTensor, Change::kExtra, "renamed.weight"), 1);
  EXPECT_EQ(has(Part::kTensor, Change::kShape, writer_.tensors[1].name), 1);
  EXPECT_EQ(has(Part::kTensor, Change::kContent, writer_.tensors[2].name), 1);
  EXPECT_EQ(differences.size(), 9U);
  expect_parts(refusal(expected), {"more are not as it says"});
}

TEST_F(ManifestTest, OrderIsNoDifference) {
  const auto expected = manifest();
  std::reverse(writer_.tensors.begin(), writer_.tensors.end());
  writer_.write(path_);
  const auto differences = compare(*expected, make_manifest(path_));
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].part, Part::kFile);
  EXPECT_EQ(refusal(expected), "");
}

TEST_F(ManifestTest, WhatIsPackedIsWhatWasChecked) {
  const auto expected = manifest();
  const std::vector<float> logits = logits_of(Model::load(path_));
  // The fourth tensor, after the embedding, the output and its norm, is the first of layer 0. When it is packed, the
  // whole layer has been copied and checked.
  int packed = 0;
  std::size_t at = 0;
  ModelOptions options{.manifest = expected};
  options.progress = [&](double) {
    if (++packed == 4) overwrite(path_, at, Bytes(64, std::byte{0}));
  };
  at = offset_of("blk.0.ffn_down.weight");
  EXPECT_EQ(logits_of(Model::load(path_, options)), logits);
  EXPECT_GT(packed, 4);
  EXPECT_NE(read_bytes(path_), writer_.bytes());
  // A tensor that is overwritten before its turn is refused, though it was intact when the file was opened.
  writer_.write(path_);
  packed = 0;
  at = offset_of("blk.2.ffn_down.weight");
  expect_parts(refusal(expected, options), {"tensor blk.2.ffn_down.weight"});
  EXPECT_GE(packed, 4);
}

TEST_F(ManifestTest, OfASplitModel) {
  GgufWriter parts[2] = {writer_, GgufWriter()};
  for (std::size_t i = 0; i < 2; ++i) {
    parts[i].tensors.clear();
    for (std::size_t t = i; t < writer_.tensors.size(); t += 2) parts[i].tensors.push_back(writer_.tensors[t]);
    parts[i].add("split.no", static_cast<std::uint16_t>(i)).add("split.count", std::uint16_t{2});
  }
  const auto name = [&](int i) { return folder_ / ("s-0000" + std::to_string(i + 1) + "-of-00002.gguf"); };
  parts[0].write(name(0));
  parts[1].write(name(1));
  const Manifest expected = make_manifest(name(0));
  ASSERT_EQ(expected.files.size(), 2U);
  EXPECT_EQ(expected.files[1].sha256, hex_digest(read_bytes(name(1))));
  EXPECT_EQ(expected.tensors.size(), writer_.tensors.size());
  parts[1].tensors[4].data[0] ^= std::byte{16};
  parts[1].write(name(1));
  const auto differences = compare(expected, make_manifest(name(0)));
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].name, "s-00002-of-00002.gguf");
  EXPECT_EQ(differences[1].name, parts[1].tensors[4].name);
  EXPECT_THROW(Model::load(name(0), {.manifest = std::make_shared<const Manifest>(expected)}), Error);
}

}  // namespace
}  // namespace pith::test
