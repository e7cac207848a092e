#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "model/hostile.h"

// Files that are cut, files that shrink while they are read, and parts of split models that contradict each other.
namespace pith::test {
namespace {

namespace fs = std::filesystem;

TEST(HostileFile, TruncatedAtEveryByteOfItsHeader) {
  const TempDir folder;
  const fs::path path = folder / "m.gguf";
  for (const char* architecture : {"llama", "gemma3"}) {
    TinyModelSpec spec{.architecture = architecture, .layers = 1};
    spec.sentence_piece = spec.architecture == "gemma3";
    const GgufWriter writer = tiny_model_writer(spec);
    const std::size_t header = writer.header().size();
    writer.write(path);
    // Cuts from the end, so that one file serves all cases. Every byte, except under sanitizers.
    constexpr std::size_t kStep = PITH_SANITIZED != 0 ? 7 : 1;
    for (std::size_t size = header - 1;; size -= kStep) {
      fs::resize_file(path, size);
      ASSERT_TRUE(refused(path, ErrorKind::kFormat, {"m.gguf"})) << size << " of " << header << " bytes";
      if (size < kStep) break;
    }
  }
}

TEST(HostileFile, TruncatedInEveryTensor) {
  const TempDir folder;
  const fs::path path = write_tiny_model({}, folder);
  const std::uintmax_t header = tiny_model_writer({}).header().size();
  for (std::uintmax_t size = fs::file_size(path) - 32; size > header; size -= std::min<std::uintmax_t>(size, 1021)) {
    fs::resize_file(path, size);
    ASSERT_TRUE(refused(path, ErrorKind::kFormat, {"bytes of data"})) << size;
  }
}

/// Loads the file and cuts it once this many tensors are packed.
testing::AssertionResult refused_when_cut(const fs::path& path, const fs::path& cut, std::uintmax_t size, int after) {
  ModelOptions options;
  options.progress = [&, calls = 0](double) mutable {
    if (++calls == after) fs::resize_file(cut, size);
  };
  return refused(path, ErrorKind::kIo, {cut.string()}, options);
}

TEST(HostileFile, ThatShrinksWhileItIsMapped) {
  const TempDir folder;
  for (const int after : {1, 2, 5, 12}) {
    for (const std::uintmax_t size : {0U, 1U, 100U, 4096U, 8192U}) {
      const fs::path path = write_tiny_model({}, folder);
      EXPECT_TRUE(refused_when_cut(path, path, size, after)) << "to " << size << " bytes after " << after;
    }
    const fs::path path = write_tiny_model({}, folder);
    EXPECT_TRUE(refused_when_cut(path, path, fs::file_size(path) - 100, after)) << "within its last page";
  }
}

TEST(HostileFile, ThatShrinksWhileOthersAreLoaded) {
  const TempDir folder;
  const fs::path sound = write_tiny_model({.layers = 4}, folder, "sound");
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 10; ++round) {
        if (t % 2 == 0) {
          right[t] += Model::load(sound, {.threads = 2}).info().layers == 4 ? 1 : 0;
          continue;
        }
        const fs::path path = write_tiny_model({.layers = 4}, folder, "cut" + std::to_string(t));
        right[t] += refused_when_cut(path, path, 4096, 2) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : right) EXPECT_EQ(count, 10);
}

/// A model split into two files.
struct Parts {
  explicit Parts(const TempDir& folder)
      : first(folder / "m-00001-of-00002.gguf"), second(folder / "m-00002-of-00002.gguf") {
    GgufWriter whole = tiny_model_writer({});
    for (std::size_t i = whole.tensors.size(); i-- > whole.tensors.size() / 2;) {
      rest.tensors.insert(rest.tensors.begin(), whole.tensors[i]);
    }
    whole.tensors.resize(whole.tensors.size() / 2);
    begin = whole;
    begin.add("split.no", std::uint16_t{0}).add("split.count", std::uint16_t{2});
    rest.add("split.no", std::uint16_t{1}).add("split.count", std::uint16_t{2});
  }
  const fs::path& write() const {
    begin.write(first);
    rest.write(second);
    return first;
  }
  fs::path first, second;
  GgufWriter begin, rest;
};

TEST(HostileShards, IndexAndCount) {
  const TempDir folder;
  const Parts parts(folder);
  EXPECT_NO_THROW(Model::load(parts.write()));
  const auto with = [&](std::uint32_t no, std::uint32_t count, bool of_first) {
    Parts other = parts;
    GgufWriter& changed = of_first ? other.begin : other.rest;
    changed.remove("split.no").remove("split.count").add("split.no", no).add("split.count", count);
    return other.write();
  };
  using enum ErrorKind;
  EXPECT_TRUE(refused(with(0, 3, true), kFormat, {"-00001-of-00003.gguf"}));
  EXPECT_TRUE(refused(with(1, 2, true), kInvalidArgument, {"file 2 of 2"}));
  EXPECT_TRUE(refused(with(2, 2, true), kFormat, {"split.no is 2"}));
  EXPECT_TRUE(refused(with(0, 100000, true), kFormat, {"split.count is 100000", "99999"}));
  EXPECT_TRUE(refused(with(3, 1, true), kFormat, {"split.no is 3", "split.count 1"}));
  EXPECT_TRUE(refused(with(0, 2, false), kFormat, {parts.second.string(), "file 1 of 2"}));
  EXPECT_TRUE(refused(with(1, 3, false), kFormat, {parts.second.string(), "file 2 of 3"}));
  EXPECT_TRUE(refused(with(1, 1, false), kFormat, {parts.second.string(), "split.no is 1"}));
  for (const bool of_first : {true, false}) {
    Parts other = parts;
    (of_first ? other.begin : other.rest).add("split.tensors.count", std::int32_t{7});
    EXPECT_TRUE(refused(other.write(), kFormat,
                        {(of_first ? other.first : other.second).string(), "split.tensors.count is 7"}));
  }
}

TEST(HostileShards, PathTricks) {
  const TempDir folder;
  const Parts parts(folder);
  parts.write();
  // Links to the first file, to itself, to a folder, and to no existing file.
  const auto linked = [&](const fs::path& target) {
    fs::remove(parts.second);
    fs::create_symlink(target, parts.second);
    return parts.first;
  };
  EXPECT_TRUE(refused(linked(parts.first), ErrorKind::kFormat, {parts.second.string(), "file 1 of 2"}));
  EXPECT_TRUE(refused(linked(parts.second), ErrorKind::kIo, {parts.second.string()}));
  EXPECT_TRUE(refused(linked(folder.path()), ErrorKind::kIo, {parts.second.string(), "folder"}));
  EXPECT_TRUE(refused(linked("/dev/zero"), ErrorKind::kIo, {parts.second.string(), "not a regular file"}));
  fs::remove(parts.second);
  EXPECT_TRUE(refused(parts.first, ErrorKind::kIo, {parts.second.string(), "No such file"}));
}

TEST(HostileShards, APartThatShrinksIsNamed) {
  const TempDir folder;
  const Parts parts(folder);
  EXPECT_TRUE(refused_when_cut(parts.write(), parts.second, 4096, 1));
  EXPECT_TRUE(refused_when_cut(parts.write(), parts.first, 4096, 1));
}

TEST(HostileShards, NanIsNamedWithItsPart) {
  const TempDir folder;
  Parts parts(folder);
  parts.rest.tensors.front().data.assign(parts.rest.tensors.front().data.size(), std::byte{0xFF});
  EXPECT_TRUE(refused(parts.write(), ErrorKind::kFormat, {parts.second.string(), parts.rest.tensors.front().name}));
}

TEST(HostileFile, PeakMemoryOfALoadIsHardlyMoreThanItsWeights) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "sanitizers have memory of their own";
  const auto peak = [] {
    std::ifstream status("/proc/self/status");
    std::string word;
    std::size_t kilobytes = 0;
    while (status >> word) {
      if (word == "VmHWM:") status >> kilobytes;
    }
    return kilobytes << 10U;
  };
  const TempDir folder;
  TinyModelSpec spec{.embedding = 1024, .layers = 4, .heads = 16, .kv_heads = 16, .head_size = 64};
  spec.feed_forward = 1024;
  spec.weight_type = gguf::TensorType::kBF16;
  const fs::path path = write_tiny_model(spec, folder);
  // Resets the peak, so that making the file does not count.
  if (!(std::ofstream("/proc/self/clear_refs") << "5").flush()) GTEST_SKIP() << "the peak cannot be set back";
  const std::size_t before = peak();
  const Model model = Model::load(path, {.threads = 1});
  const std::size_t grown = peak() - before;
  const std::size_t size = model.info().weight_bytes;
  EXPECT_GT(size, std::size_t{40} << 20);
  // Sixteen megabytes of the file at a time, and the vocabulary.
  EXPECT_LT(grown, size + (std::size_t{24} << 20)) << size;
}

}  // namespace
}  // namespace pith::test
