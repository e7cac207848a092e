#include "gguf/file.h"

#include <cstring>
#include <fstream>

#include "gguf/expect_error.h"
#include "support/paths.h"
#include "support/tiny_model.h"

namespace pith::gguf {
namespace {

namespace fs = std::filesystem;
using test::GgufWriter;

TEST(File, FindsTensorsByName) {
  const test::TempDir folder;
  const fs::path path = test::write_tiny_model({.layers = 3}, folder);
  const File file = File::open(path);
  EXPECT_EQ(file.path(), path.string());
  EXPECT_EQ(file.version(), 3U);
  for (const TensorInfo& tensor : file.tensors()) EXPECT_EQ(file.find(tensor.name), &tensor);
  EXPECT_EQ(file.find("blk.3.attn_q.weight"), nullptr);
  EXPECT_EQ(file.find(""), nullptr);
  EXPECT_EQ(&file.require("output_norm.weight"), file.find("output_norm.weight"));
  EXPECT_TRUE(
      throws(ErrorKind::kFormat, {path.string(), "output.weight", "missing"}, [&] { file.require("output.weight"); }));
}

TEST(File, RefusesATensorTwice) {
  const test::TempDir folder;
  GgufWriter writer = test::tiny_model_writer();
  writer.tensors.push_back(writer.tensors.front());
  writer.write(folder / "a.gguf");
  EXPECT_TRUE(throws(ErrorKind::kFormat, {"a.gguf", writer.tensors.front().name, "twice"},
                     [&] { File::open(folder / "a.gguf"); }));
}

TEST(File, ACopiedHeaderStaysWhatItWasWhenTheFileIsOverwritten) {
  const test::TempDir folder;
  const test::GgufWriter writer = test::tiny_model_writer({.layers = 1});
  const fs::path path = folder / "m.gguf";
  writer.write(path);
  const File file = File::open(path, File::Headers::kCopied);
  {
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream << std::string(writer.header().size(), 'x');
  }
  EXPECT_EQ(file.metadata().require<std::string_view>("general.architecture"), "llama");
  EXPECT_EQ(file.metadata().strings("tokenizer.ggml.tokens")[0], "<|endoftext|>");
  for (const test::GgufWriter::Tensor& tensor : writer.tensors) EXPECT_EQ(file.require(tensor.name).dims, tensor.dims);
}

TEST(File, NamesTheFileThatIsMissing) {
  EXPECT_TRUE(throws(ErrorKind::kIo, {"no/such.gguf"}, [] { File::open("no/such.gguf"); }));
}

TEST(File, NamesTheFileThatIsNoGguf) {
  const test::TempDir folder;
  std::ofstream(folder / "a.txt") << "not a model\n";
  EXPECT_TRUE(throws(ErrorKind::kFormat, {"a.txt", "GGUF"}, [&] { File::open(folder / "a.txt"); }));
}

TEST(File, ReadsBeyondFourGibibytes) {
  const test::TempDir folder;
  const fs::path path = folder / "large.gguf";
  const std::uint64_t columns = std::uint64_t{1} << 30;
  GgufWriter writer;
  writer.add_tensor_raw("large", 0, {columns}, {});
  writer.add_tensor_raw("last", 0, {1}, {});
  writer.tensors[1].stated_offset = 4 * columns;
  test::Bytes bytes = writer.bytes();
  const std::uint64_t end = bytes.size() + 4 * columns + 4;
  test::write_file(path, bytes);
  std::error_code failed;
  fs::resize_file(path, end, failed);
  if (failed) GTEST_SKIP() << "no room for a sparse file of 4 GiB: " << failed.message();
  std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
  stream.seekp(static_cast<std::streamoff>(end - 4));
  const float value = 12.5F;
  stream.write(reinterpret_cast<const char*>(&value), sizeof value);
  stream.close();

  const File file = File::open(path);
  EXPECT_EQ(file.require("large").data.size(), std::size_t{4} * columns);
  float read = 0;
  std::memcpy(&read, file.require("last").data.data(), sizeof read);
  EXPECT_EQ(read, value);
}

TEST(File, ReadsTinyModelsOfEveryArchitectureAndType) {
  const test::TempDir folder;
  for (const char* architecture : {"llama", "qwen2", "qwen3", "gemma3"}) {
    for (std::size_t i = 0; i < kTensorTypes; ++i) {
      test::TinyModelSpec spec{.architecture = architecture, .embedding = 256, .layers = 1, .head_size = 64};
      spec.feed_forward = 256;
      spec.weight_type = tensor_type_at(i).type;
      spec.tied_output = i % 2 == 0;
      const File file = File::open(test::write_tiny_model(spec, folder));
      EXPECT_EQ(file.require("blk.0.ffn_down.weight").type, spec.weight_type);
      EXPECT_EQ(file.metadata().require<std::string_view>("general.architecture"), architecture);
      EXPECT_EQ(file.require("token_embd.weight").rows(), file.metadata().strings("tokenizer.ggml.tokens").size());
      EXPECT_EQ(file.find("output.weight") == nullptr, spec.tied_output);
    }
  }
}

TEST(File, ReadsTheSmolLm2Model) {
  const auto path = test::find_model("smollm2");
  if (!path) GTEST_SKIP() << "the SmolLM2 model is not there";
  const File file = File::open(*path);
  EXPECT_EQ(file.tensors().size(), 272U);
  EXPECT_EQ(file.metadata().entries().size(), 33U);
  EXPECT_EQ(file.metadata().require<std::uint64_t>("llama.block_count"), 30U);
  EXPECT_EQ(file.metadata().strings("tokenizer.ggml.tokens").size(), 49152U);
  EXPECT_EQ(file.metadata().integers("tokenizer.ggml.token_type").size(), 49152U);
  const TensorInfo& embedding = file.require("token_embd.weight");
  EXPECT_EQ(embedding.dims, (std::vector<std::uint64_t>{576, 49152}));
}

TEST(File, ReadsTheGemmaModel) {
  const auto path = test::find_model("gemma3");
  if (!path) GTEST_SKIP() << "the Gemma model is not there";
  const File file = File::open(*path);
  EXPECT_EQ(file.tensors().size(), 236U);
  EXPECT_EQ(file.metadata().floats("tokenizer.ggml.scores").size(), 262144U);
  EXPECT_EQ(file.metadata().get<bool>("tokenizer.ggml.add_bos_token"), true);
}

TEST(File, ReadsTheSharedVocabularies) {
  const fs::path folder = test::shared_dir() / "data/vocab";
  if (!fs::is_directory(folder)) GTEST_SKIP() << folder << " is not there";
  int read = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    const File file = File::open(entry.path());
    EXPECT_TRUE(file.tensors().empty());
    EXPECT_GT(file.metadata().strings("tokenizer.ggml.tokens").size(), 30000U);
    ++read;
  }
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace pith::gguf
