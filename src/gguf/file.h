#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/mapped_file.h"
#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace pith::gguf {

struct Parsed;

/// A GGUF file (version 2 or 3, little-endian), or a model split into several: mapped, and checked in full before
/// anything is handed out. Goals: nothing that a file states is believed, memory and time stay in proportion to the
/// file's size, and what is refused is named; a file that becomes shorter while it is read ends in an error, not in a
/// signal. Non-goals: what keys and tensors mean, other byte orders, writing.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Immutable: safe from any thread.
class File {
 public:
  /// What a file says besides its tensors' data: read where it is mapped, or from a copy that nobody else can change
  /// between one look at it and the next.
  enum class Headers { kMapped, kCopied };

  /// Opens a file and, where it is the first of a split model (split.count > 1, "name-00001-of-00003.gguf"), the others
  /// beside it. Throws Error: kIo if a file cannot be read, kFormat if it is damaged, kUnsupported for another version,
  /// byte order or tensor type, kInvalidArgument for a later file of a split model.
  static File open(const std::filesystem::path& path, Headers headers = Headers::kMapped);

  /// As given to open(), for messages.
  const std::string& path() const noexcept { return path_; }
  std::uint32_t version() const noexcept { return version_; }
  /// Of the first file where the model is split.
  const Metadata& metadata() const noexcept { return metadata_; }
  /// Of all files, in their order.
  std::span<const TensorInfo> tensors() const noexcept { return tensors_; }
  /// The files that the model consists of: their paths and, mapped, all their bytes.
  std::size_t parts() const noexcept { return parts_.size(); }
  const std::string& part_path(std::size_t part) const { return parts_[part].mapping.path(); }
  std::span<const std::byte> part_bytes(std::size_t part) const { return parts_[part].mapping.bytes(); }
  /// nullptr if absent.
  const TensorInfo* find(std::string_view name) const noexcept;
  /// Throws Error(kFormat) naming the file and the tensor if it is absent.
  const TensorInfo& require(std::string_view name) const;
  /// Of the file that the tensor lies in.
  const std::string& path_of(const TensorInfo& tensor) const noexcept;

  /// Whoever has read mapped bytes asks here before making use of them. Throws Error(kIo) naming the file if one of
  /// them has become shorter since it was opened, or could not be read: what was read instead are zeros.
  void check_read() const;
  /// Bytes of a tensor's data that were read and will not be soon again: the same for their file, and gives their
  /// memory back.
  void done_with(std::span<const std::byte> data) const;

 private:
  struct Part {
    MappedFile mapping;
    std::vector<std::byte> header;  ///< Its copy, or nothing.
  };

  File() = default;
  /// Null for what lies in none of the files.
  const MappedFile* mapping_of(std::span<const std::byte> data) const noexcept;
  void open_all(const std::filesystem::path& path, Headers headers);
  /// Parses one more file.
  Parsed open_part(const std::filesystem::path& path, Headers headers);
  void open_others(const std::filesystem::path& first, std::size_t count, Headers headers);
  void index_tensors();

  std::string path_;
  std::uint32_t version_ = 0;
  std::vector<Part> parts_;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  /// Indices of tensors_, sorted by name.
  std::vector<std::size_t> by_name_;
};

/// What read() returns, which reads the file. Whatever it threw, a file that could not be read is the reason.
template <typename Read>
decltype(auto) reading(const File& file, const Read& read) {
  try {
    return read();
  } catch (...) {
    file.check_read();
    throw;
  }
}

}  // namespace pith::gguf
