#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/gguf_writer.h"

// Takes GGUF files apart and puts them together, so that a mutation of one field keeps the others at their places.
namespace pith::fuzz {

/// The contents of a file, in the form in which they are written.
struct GgufContents {
  struct Key {
    std::string name;
    std::uint32_t type = 0;
    /// As in the file, including lengths and the element type of arrays.
    test::Bytes value;
  };
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;
  std::vector<Key> keys;
  std::vector<test::GgufWriter::Tensor> tensors;
  std::optional<std::uint64_t> stated_tensors;
  std::optional<std::uint64_t> stated_keys;

  test::Bytes bytes() const;
};

/// Returns nullopt if pith refuses the file.
std::optional<GgufContents> read_contents(std::span<const std::byte> file);

/// A mutation for LLVMFuzzerCustomMutator(): half of the time one field of a file that can be read, else any bytes.
std::size_t mutate_gguf(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed);

}  // namespace pith::fuzz

/// libFuzzer's own mutation, or the one that replay_main.cpp has in its place.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);
