#include "quantize/quantize_file.h"

#include <gtest/gtest.h>
#include <pith/model.h>
#include <pith/quantize.h>
#include <pith/session.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "gguf/file.h"
#include "support/paths.h"
#include "support/refusal.h"
#include "support/tiny_model.h"
#include "support/tiny_shapes.h"
#include "weights/dequantize.h"
#include "weights/quantize.h"

namespace pith::quantize {
namespace {

namespace fs = std::filesystem;
using gguf::TensorType;
using test::GgufWriter;

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// A tiny model whose rows are whole blocks of every type.
test::TinyModelSpec wide() {
  test::TinyModelSpec spec;
  spec.embedding = 256;
  spec.feed_forward = 512;
  spec.head_size = 64;
  spec.tied_output = false;
  return spec;
}

class QuantizeFile : public testing::Test {
 protected:
  fs::path write(const GgufWriter& writer) const {
    writer.write(in_);
    return in_;
  }
  /// Expects an error, and that there is nothing but the input.
  void expect_refused(ErrorKind kind, const std::string& part, const QuantizeOptions& options) const {
    test::expect_error(kind, part, [&] { quantize_file(in_, out_, options); });
    EXPECT_FALSE(fs::exists(out_));
    EXPECT_EQ(files_in(folder_.path()), 1U);
  }

  const test::TempDir folder_;
  const fs::path in_ = folder_ / "in.gguf";
  const fs::path out_ = folder_ / "out.gguf";
};

TEST_F(QuantizeFile, WritesWhatItPlans) {
  write(test::tiny_model_writer(wide()));
  const gguf::File before = gguf::File::open(in_);
  std::vector<std::string> mixes = quantize_mixes();
  // Sanitizers are slow: one of each way to fit.
  if (PITH_SANITIZED != 0) mixes = {"q4_k_m", "q3_k_s", "iq4_xs", "tq1_0"};
  for (const std::string& mix : mixes) {
    const QuantizeOptions options{.type = mix, .overwrite = true};
    const QuantizeReport plan = plan_quantization(in_, options);
    const QuantizeReport report = quantize_file(in_, out_, options);
    EXPECT_EQ(report.bytes_after, fs::file_size(out_)) << mix;
    EXPECT_EQ(report.bytes_after, plan.bytes_after);
    EXPECT_EQ(report.bytes_before, fs::file_size(in_));
    const gguf::File after = gguf::File::open(out_);
    ASSERT_EQ(after.tensors().size(), before.tensors().size());
    for (std::size_t i = 0; i < after.tensors().size(); ++i) {
      const gguf::TensorInfo& from = before.tensors()[i];
      const gguf::TensorInfo& to = after.tensors()[i];
      EXPECT_EQ(to.name, from.name);
      EXPECT_EQ(to.dims, from.dims);
      EXPECT_EQ(plan.tensors[i].type_after, gguf::type_info(to.type).name);
      EXPECT_EQ(report.tensors[i].type_after, plan.tensors[i].type_after);
      EXPECT_EQ(report.tensors[i].bytes_after, to.data.size());
      std::vector<float> weights(static_cast<std::size_t>(from.rows() * from.columns()));
      weights::dequantize(from.type, from.data, weights);
      std::vector<std::byte> expected(to.data.size());
      weights::quantize(to.type, weights, expected);
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), to.data.begin())) << mix << " " << to.name;
    }
    // Loads, and says something.
    Session session(Model::load(out_), {});
    EXPECT_EQ(session.generate("ab", {.tokens_max = 3, .ignore_end = true}).tokens.size(), 3U) << mix;
  }
  EXPECT_EQ(files_in(folder_.path()), 2U);
}

TEST_F(QuantizeFile, ModelsOfEveryArchitectureLoad) {
  for (const test::TinyShape& shape : test::tiny_shapes()) {
    SCOPED_TRACE(shape.name);
    write(test::tiny_model_writer(shape.spec));
    for (const char* mix : {"q4_k_m", "q8_0", "bf16"}) {
      quantize_file(in_, out_, {.type = mix, .allow_requantize = true, .overwrite = true, .threads = 1});
      EXPECT_NO_THROW(Model::load(out_, {.threads = 1}));
    }
  }
}

TEST_F(QuantizeFile, KeepsMetadata) {
  GgufWriter writer = test::tiny_model_writer(wide());
  writer.remove("general.file_type").add("general.file_type", std::uint64_t{1});
  writer.add("split.count", std::uint16_t{1}).add_array("some.texts", std::vector<std::string>{"a", "", "b\n"});
  writer.add("last", -0.0F).set_alignment(128);
  write(writer);
  quantize_file(in_, out_, {.type = "q5_k_m"});
  const gguf::File before = gguf::File::open(in_);
  const gguf::File after = gguf::File::open(out_);
  EXPECT_EQ(after.version(), 3U);
  EXPECT_EQ(after.metadata().require<std::uint32_t>("general.file_type"), 17U);
  EXPECT_EQ(after.metadata().find("general.file_type")->type, gguf::ValueType::kUint32);
  EXPECT_EQ(after.metadata().require<std::uint32_t>("general.quantization_version"), 2U);
  std::vector<gguf::MetadataEntry> expected;
  for (const gguf::MetadataEntry& entry : before.metadata().entries()) {
    if (!entry.key.starts_with("split.")) expected.push_back(entry);
  }
  const auto found = after.metadata().entries();
  ASSERT_EQ(found.size(), expected.size() + 1);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(found[i].key, expected[i].key);
    if (found[i].key == "general.file_type") continue;
    EXPECT_EQ(found[i].value.type, expected[i].value.type);
    EXPECT_EQ(found[i].value.element, expected[i].value.element);
    EXPECT_TRUE(std::ranges::equal(found[i].value.bytes, expected[i].value.bytes)) << found[i].key;
  }
  for (const gguf::TensorInfo& tensor : after.tensors()) {
    EXPECT_EQ((tensor.data.data() - after.part_bytes(0).data()) % 128, 0) << tensor.name;
  }
}

TEST_F(QuantizeFile, ThreadsDoNotMatter) {
  write(test::tiny_model_writer(wide()));
  std::string first;
  for (const int threads : {1, 2, 5}) {
    quantize_file(in_, out_, {.type = "q4_k_m", .overwrite = true, .threads = threads});
    const std::string bytes = test::read_file(out_);
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes.size(), first.size());
    EXPECT_TRUE(bytes == first) << threads;
  }
}

TEST_F(QuantizeFile, ManyPiecesAreOne) {
  // More weights than are converted at once, and a row that ends within a piece.
  constexpr std::uint64_t kColumns = 33792;
  constexpr std::uint64_t kRows = 20;
  std::vector<float> weights(kColumns * kRows);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 1013) - 500.0F;
  GgufWriter writer;
  writer.add_tensor("a.weight", {kColumns, kRows}, weights)
      .add_tensor("b.weight", {32, 2}, std::vector<float>(64, 1.0F));
  write(writer);
  std::vector<double> shares;
  quantize_file(in_, out_, {.type = "q5_1", .threads = 1, .progress = [&](double share) { shares.push_back(share); }});
  EXPECT_GE(shares.size(), 4U);
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_EQ(shares.back(), 1.0);
  const gguf::File after = gguf::File::open(out_);
  std::vector<std::byte> expected(weights.size() / 32 * 24);
  weights::quantize(TensorType::kQ5_1, weights, expected);
  EXPECT_TRUE(std::ranges::equal(after.require("a.weight").data, expected));
  // The other one is the output of a model without one, but is not called so.
  EXPECT_EQ(after.require("b.weight").type, TensorType::kQ5_1);
}

TEST_F(QuantizeFile, ShardsBecomeOneFile) {
  const GgufWriter whole = test::tiny_model_writer(wide());
  write(whole);
  quantize_file(in_, out_, {.type = "q4_0"});
  const fs::path shards[] = {folder_ / "s-00001-of-00002.gguf", folder_ / "s-00002-of-00002.gguf"};
  for (std::uint16_t i = 0; i < 2; ++i) {
    GgufWriter part = whole;
    if (i == 1) part.keys.clear();
    part.add("split.count", std::uint16_t{2}).add("split.no", i);
    part.add("split.tensors.count", static_cast<std::int32_t>(whole.tensors.size()));
    part.tensors.clear();
    for (std::size_t t = 0; t < whole.tensors.size(); ++t) {
      if ((t < 5) == (i == 0)) part.tensors.push_back(whole.tensors[t]);
    }
    part.write(shards[i]);
  }
  const fs::path joined = folder_ / "joined.gguf";
  const QuantizeReport report = quantize_file(shards[0], joined, {.type = "q4_0"});
  EXPECT_EQ(report.bytes_before, fs::file_size(shards[0]) + fs::file_size(shards[1]));
  EXPECT_TRUE(test::read_file(joined) == test::read_file(out_));
  test::expect_error(ErrorKind::kInvalidArgument, "is the model that is read",
                     [&] { quantize_file(shards[0], shards[1], {.type = "q4_0", .overwrite = true}); });
}

TEST_F(QuantizeFile, WeightsThatAreNotFiniteAreNamed) {
  for (const char* mix : {"q8_0", "f32"}) {
    GgufWriter writer = test::tiny_model_writer(wide());
    auto& tensor = writer.tensors[3];
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(&tensor.data[(2 * 256 + 7) * sizeof(float)], &nan, sizeof nan);
    write(writer);
    expect_refused(ErrorKind::kFormat, "tensor " + tensor.name + " (F32) has the element nan at row 2, column 7",
                   {.type = mix});
    fs::remove(in_);
  }
}

TEST_F(QuantizeFile, WeightsTooLargeAreNamed) {
  GgufWriter writer;
  std::vector<float> weights(std::size_t{512} * 3, 0.5F);
  weights[512 + 300] = 1e9F;
  writer.add_tensor("a.weight", {512, 3}, weights);
  write(writer);
  expect_refused(ErrorKind::kUnsupported, "tensor a.weight has weights at row 1, column 300 and after it",
                 {.type = "f16"});
  expect_refused(ErrorKind::kUnsupported, "too large for Q4_0", {.type = "q4_0", .pure = true});
  expect_refused(ErrorKind::kUnsupported, "too large for Q4_K", {.type = "q4_k_m", .pure = true});
  EXPECT_NO_THROW(quantize_file(in_, out_, {.type = "bf16"}));
}

TEST_F(QuantizeFile, FilesThatExistAreLeftAlone) {
  write(test::tiny_model_writer());
  test::write_file(out_, std::as_bytes(std::span(std::string_view("precious"))));
  test::expect_error(ErrorKind::kInvalidArgument, "out.gguf: exists already", [&] { quantize_file(in_, out_); });
  EXPECT_EQ(test::read_file(out_), "precious");
  EXPECT_NO_THROW(quantize_file(in_, out_, {.overwrite = true}));
  const std::string before = test::read_file(in_);
  fs::create_hard_link(in_, folder_ / "hard.gguf");
  fs::create_symlink(in_, folder_ / "soft.gguf");
  for (const char* name : {"in.gguf", "hard.gguf", "soft.gguf", "../in.gguf"}) {
    const fs::path same = name[0] == '.' ? folder_.path() / "." / "in.gguf" : folder_ / name;
    test::expect_error(ErrorKind::kInvalidArgument, "is the model that is read",
                       [&] { quantize_file(in_, same, {.overwrite = true}); });
  }
  EXPECT_TRUE(test::read_file(in_) == before);
}

TEST_F(QuantizeFile, WhoMayReadTheInputMayReadTheOutput) {
  write(test::tiny_model_writer());
  for (const unsigned mode : {0644U, 0600U, 0640U}) {
    fs::permissions(in_, static_cast<fs::perms>(mode));
    quantize_file(in_, out_, {.overwrite = true});
    EXPECT_EQ(fs::status(out_).permissions(), static_cast<fs::perms>(mode));
  }
}

TEST_F(QuantizeFile, ProgressCanEndIt) {
  write(test::tiny_model_writer());
  const QuantizeOptions options{.progress = [](double share) {
    if (share > 0.5) throw std::runtime_error("enough");
  }};
  EXPECT_THROW(quantize_file(in_, out_, options), std::runtime_error);
  EXPECT_EQ(files_in(folder_.path()), 1U);
}

/// A disk that is full after some bytes.
class FullDisk : public io::FileOps {
 public:
  explicit FullDisk(std::size_t bytes) : left_(bytes) {}
  ssize_t write(int file, const std::byte* data, std::size_t size) const override {
    if (left_ == 0) {
      errno = ENOSPC;
      return -1;
    }
    const std::size_t some = std::min(size, left_);
    left_ -= some;
    return FileOps::write(file, data, some);
  }

 private:
  mutable std::size_t left_;
};

TEST_F(QuantizeFile, AFullDiskLeavesNothing) {
  write(test::tiny_model_writer(wide()));
  const std::size_t whole = static_cast<std::size_t>(plan_quantization(in_).bytes_after);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{100}, whole / 2, whole - 1}) {
    test::expect_error(ErrorKind::kIo, "out.gguf: cannot write: No space left on device",
                       [&] { quantize_with(in_, out_, {}, FullDisk(bytes)); });
    EXPECT_EQ(files_in(folder_.path()), 1U);
  }
  EXPECT_NO_THROW(quantize_with(in_, out_, {}, FullDisk(whole)));
}

TEST_F(QuantizeFile, DamagedInputIsRefused) {
  GgufWriter writer = test::tiny_model_writer();
  test::Bytes bytes = writer.bytes();
  bytes.resize(bytes.size() / 2);
  test::write_file(in_, bytes);
  expect_refused(ErrorKind::kFormat, "in.gguf", {});
  test::expect_error(ErrorKind::kFormat, "in.gguf", [&] { plan_quantization(in_); });
  fs::remove(in_);
  test::expect_error(ErrorKind::kIo, "in.gguf", [&] { quantize_file(in_, out_); });
  test::expect_error(ErrorKind::kInvalidArgument, "threads",
                     [&] { quantize_file(write(writer), out_, {.threads = -1}); });
  test::expect_error(ErrorKind::kIo, "none", [&] { quantize_file(in_, folder_ / "none" / "out.gguf"); });
}

TEST_F(QuantizeFile, FilesWithoutTensorsPass) {
  GgufWriter writer;
  writer.add("general.architecture", "llama");
  write(writer);
  const QuantizeReport report = quantize_file(in_, out_);
  EXPECT_EQ(report.bits_per_weight(), 0.0);
  EXPECT_EQ(gguf::File::open(out_).metadata().require<std::string_view>("general.architecture"), "llama");
}

}  // namespace
}  // namespace pith::quantize
