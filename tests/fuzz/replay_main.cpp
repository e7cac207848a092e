// Runs a fuzz target without libFuzzer over files and folders: seeds, and past findings of fuzzers. With --mutations N
// also over N mutations of them, which are not guided by coverage, but are the same on every run.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                                                     std::size_t size_max, unsigned seed);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

std::mt19937& generator() {
  static std::mt19937 random(1);
  return random;
}

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<fs::path> files_of(const std::vector<std::string>& arguments) {
  std::vector<fs::path> files;
  for (const std::string& argument : arguments) {
    if (!fs::exists(argument)) {
      std::fprintf(stderr, "%s: does not exist\n", argument.c_str());
      return {};
    }
    if (!fs::is_directory(argument)) {
      files.emplace_back(argument);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(argument)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Runs from memory that ends where the input does, so that sanitizers see reads past it.
void run(const Bytes& bytes) {
  const Bytes exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

Bytes mutated(const Bytes& seed) {
  constexpr std::size_t kMore = 256;
  Bytes bytes = seed;
  bytes.resize(seed.size() + kMore);
  const std::size_t size =
      LLVMFuzzerCustomMutator != nullptr
          ? LLVMFuzzerCustomMutator(bytes.data(), seed.size(), bytes.size(), static_cast<unsigned>(generator()()))
          : LLVMFuzzerMutate(bytes.data(), seed.size(), bytes.size());
  bytes.resize(size);
  return bytes;
}

int usage() {
  std::fprintf(stderr, "usage: fuzz_TARGET [--mutations N] FILE|FOLDER ...\n");
  return 2;
}

}  // namespace

/// Changes a bit or a byte, or removes or duplicates a run of bytes.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max) {
  std::mt19937& random = generator();
  if (size == 0) {
    if (size_max == 0) return 0;
    data[0] = static_cast<std::uint8_t>(random());
    return 1;
  }
  const std::size_t at = random() % size;
  const std::size_t run = 1 + random() % std::min<std::size_t>(size - at, 16);
  switch (random() % 4) {
    case 0:
      data[at] = static_cast<std::uint8_t>(data[at] ^ (1U << random() % 8));
      return size;
    case 1:
      std::memmove(data + at, data + at + run, size - at - run);
      return size - run;
    case 2:
      if (size + run <= size_max) {
        std::memmove(data + at + run, data + at, size - at);
        return size + run;
      }
      [[fallthrough]];
    default:
      for (std::size_t i = at; i < at + run; ++i) data[i] = static_cast<std::uint8_t>(random());
      return size;
  }
}

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::size_t mutations = 0;
  if (arguments.size() >= 2 && arguments[0] == "--mutations") {
    const std::string& text = arguments[1];
    const auto read = std::from_chars(text.data(), text.data() + text.size(), mutations);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return usage();
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  const std::vector<fs::path> files = files_of(arguments);
  if (files.empty()) return usage();
  std::vector<Bytes> seeds;
  for (const fs::path& file : files) {
    // Printed before it runs, since it may be the last one.
    std::fprintf(stderr, "%s\n", file.c_str());
    seeds.push_back(read_file(file));
    run(seeds.back());
  }
  for (std::size_t i = 0; i < mutations; ++i) {
    const Bytes bytes = mutated(seeds[i % seeds.size()]);
    run(bytes);
  }
  std::fprintf(stderr, "%zu files and %zu mutations\n", files.size(), mutations);
  return 0;
}
