#include "gguf/shards.h"

#include <algorithm>

#include "gguf/expect_error.h"
#include "support/paths.h"
#include "support/tiny_model.h"

namespace pith::gguf {
namespace {

namespace fs = std::filesystem;
using test::GgufWriter;

constexpr std::size_t kCount = 3;

fs::path name_of(std::size_t index) {
  return "tiny-0000" + std::to_string(index + 1) + "-of-0000" + std::to_string(kCount) + ".gguf";
}

/// A model split into three files, of which the first has its keys.
class Shards : public testing::Test {
 protected:
  Shards() : shards_(kCount) {
    whole_ = test::tiny_model_writer({.layers = 1});
    shards_[0] = whole_;
    shards_[0].tensors.clear();
    for (std::size_t i = 0; i < whole_.tensors.size(); ++i) shards_[i % kCount].tensors.push_back(whole_.tensors[i]);
    for (std::size_t i = 0; i < kCount; ++i) {
      shards_[i].add("split.no", static_cast<std::uint16_t>(i)).add("split.count", std::uint16_t{kCount});
      shards_[i].add("split.tensors.count", static_cast<std::int32_t>(whole_.tensors.size()));
    }
  }

  fs::path write() {
    for (std::size_t i = 0; i < kCount; ++i) shards_[i].write(folder_.path() / name_of(i));
    return folder_.path() / name_of(0);
  }

  testing::AssertionResult refused_open(ErrorKind kind, const std::vector<std::string>& parts) {
    const fs::path path = write();
    return throws(kind, parts, [&] { File::open(path); });
  }

  test::TempDir folder_;
  GgufWriter whole_;
  std::vector<GgufWriter> shards_;
};

TEST_F(Shards, LoadAsOneModel) {
  const File file = File::open(write());
  EXPECT_EQ(file.tensors().size(), whole_.tensors.size());
  EXPECT_EQ(file.metadata().require<std::string_view>("general.architecture"), "llama");
  for (const GgufWriter::Tensor& tensor : whole_.tensors) {
    const TensorInfo& found = file.require(tensor.name);
    EXPECT_EQ(found.dims, tensor.dims);
    EXPECT_TRUE(std::equal(found.data.begin(), found.data.end(), tensor.data.begin(), tensor.data.end()))
        << tensor.name;
  }
}

TEST_F(Shards, SurviveMovingTheFile) {
  File first = File::open(write());
  const File second = std::move(first);
  EXPECT_EQ(second.require("output_norm.weight").data.size(), 64 * sizeof(float));
}

TEST_F(Shards, MayHaveNoTensorCount) {
  for (GgufWriter& shard : shards_) shard.remove("split.tensors.count");
  EXPECT_NO_THROW(File::open(write()));
}

TEST_F(Shards, NameTheMissingFile) {
  const fs::path path = write();
  fs::remove(folder_.path() / name_of(2));
  EXPECT_TRUE(throws(ErrorKind::kIo, {name_of(2).string(), "No such file"}, [&] { File::open(path); }));
}

TEST_F(Shards, RefuseALaterFileAlone) {
  write();
  const fs::path second = folder_.path() / name_of(1);
  EXPECT_TRUE(
      throws(ErrorKind::kInvalidArgument, {second.string(), "file 2 of 3", "first"}, [&] { File::open(second); }));
}

TEST_F(Shards, RefuseFilesInWrongPlaces) {
  std::swap(shards_[1], shards_[2]);
  EXPECT_TRUE(refused_open(ErrorKind::kFormat, {name_of(1).string(), "file 3 of 3", "file 2 of 3"}));
}

TEST_F(Shards, RefuseAFileOfAnotherCount) {
  GgufWriter other;
  other.add("split.no", std::uint16_t{1}).add("split.count", std::uint16_t{4});
  shards_[1] = other;
  EXPECT_TRUE(refused_open(ErrorKind::kFormat, {name_of(1).string(), "file 2 of 4", "file 2 of 3"}));
}

TEST_F(Shards, RefuseAFileThatIsNoShard) {
  shards_[1] = GgufWriter();
  EXPECT_TRUE(refused_open(ErrorKind::kFormat, {name_of(1).string(), "file 1 of 1"}));
}

TEST_F(Shards, LaterFilesMayRepeatWhatTheFirstSaysAndNothingElse) {
  shards_[1].add("general.architecture", "llama").add("general.name", "part two").set_alignment(64);
  EXPECT_EQ(File::open(write()).tensors().size(), whole_.tensors.size());
  shards_[2].add("general.architecture", "gemma3");
  EXPECT_TRUE(refused_open(ErrorKind::kFormat, {name_of(2).string(), "general.architecture is", "gemma3", "llama"}));
  shards_[2].remove("general.architecture").add("llama.more", 7U);
  EXPECT_TRUE(refused_open(ErrorKind::kFormat, {name_of(2).string(), "llama.more", "has no such key"}));
}

TEST_F(Shards, RefuseMissingTensors) {
  shards_[2].tensors.pop_back();
  const std::size_t count = whole_.tensors.size();
  EXPECT_TRUE(refused_open(
      ErrorKind::kFormat, {"split.tensors.count is " + std::to_string(count), std::to_string(count - 1) + " tensors"}));
}

TEST_F(Shards, RefuseALaterFilesOtherCountOfTensors) {
  shards_[1].remove("split.tensors.count").add("split.tensors.count", std::int32_t{3});
  EXPECT_TRUE(refused_open(ErrorKind::kFormat, {name_of(1).string(), "split.tensors.count is 3"}));
}

TEST_F(Shards, RefuseATensorInTwoFiles) {
  const GgufWriter::Tensor last = shards_[2].tensors.back();
  shards_[2].tensors.back() = shards_[1].tensors.front();
  EXPECT_TRUE(refused_open(ErrorKind::kFormat, {shards_[1].tensors.front().name, "twice"}));
}

TEST_F(Shards, NameTheDamagedFile) {
  shards_[2].magic = "GGML";
  EXPECT_TRUE(refused_open(ErrorKind::kFormat, {name_of(2).string(), "GGML"}));
}

TEST_F(Shards, RefuseARenamedFirstFile) {
  const fs::path path = folder_ / "tiny.gguf";
  fs::rename(write(), path);
  EXPECT_TRUE(throws(ErrorKind::kFormat, {path.string(), "-00001-of-00003.gguf"}, [&] { File::open(path); }));
}

TEST(ShardKeys, AreChecked) {
  const test::TempDir folder;
  const auto open = [&](const GgufWriter& writer) {
    writer.write(folder / "a.gguf");
    return File::open(folder / "a.gguf");
  };
  const auto no = std::uint16_t{0};
  EXPECT_NO_THROW(open(GgufWriter().add("split.count", std::uint16_t{0})));
  EXPECT_NO_THROW(open(GgufWriter().add("split.count", std::uint16_t{1}).add("split.no", no)));
  EXPECT_NO_THROW(open(GgufWriter().add("split.tensors.count", std::int32_t{0})));
  const auto refused_keys = [&](const GgufWriter& writer, const std::vector<std::string>& parts) {
    return throws(ErrorKind::kFormat, parts, [&] { open(writer); });
  };
  EXPECT_TRUE(refused_keys(GgufWriter().add("split.count", std::uint16_t{2}), {"split.no", "missing"}));
  EXPECT_TRUE(refused_keys(GgufWriter().add("split.no", std::uint16_t{1}), {"split.no is 1", "split.count 1"}));
  EXPECT_TRUE(refused_keys(GgufWriter().add("split.tensors.count", std::int32_t{5}), {"split.tensors.count is 5"}));
  EXPECT_TRUE(refused_keys(GgufWriter().add("split.count", "2").add("split.no", no), {"split.count", "string"}));
  EXPECT_TRUE(refused_keys(GgufWriter().add("split.count", std::int32_t{-2}), {"split.count", "-2"}));
  EXPECT_TRUE(refused_keys(GgufWriter().add("split.count", std::uint32_t{100000}).add("split.no", no), {"100000"}));
  EXPECT_TRUE(refused_keys(GgufWriter().add("split.count", std::uint16_t{2}).add("split.no", std::uint16_t{2}),
                           {"split.no is 2", "split.count 2"}));
}

TEST(ShardPath, StaysBesideTheFirst) {
  EXPECT_EQ(shard_path("/models/x-00001-of-00012.gguf", 10, 12), "/models/x-00011-of-00012.gguf");
  EXPECT_EQ(shard_path("x-00001-of-00002.gguf", 1, 2), "x-00002-of-00002.gguf");
  EXPECT_EQ(shard_path("../-00001-of-00002.gguf", 1, 2), "../-00002-of-00002.gguf");
  EXPECT_THROW(shard_path("x-00001-of-00002.gguf", 1, 3), Error);
  EXPECT_THROW(shard_path("x-00002-of-00003.gguf", 1, 3), Error);
  EXPECT_THROW(shard_path("x.gguf", 1, 3), Error);
}

}  // namespace
}  // namespace pith::gguf
