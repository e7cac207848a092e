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

/// A GGUF file (version 2 or 3, little-endian), or a model split into several files. Files are mapped, and checked in
/// full before anything is handed out. Goals: trust nothing that a file states; keep memory and time in proportion to
/// the file's size; name what is refused; report a file that shrinks while it is read as an error, not a signal.
/// Non-goals: the meaning of keys and tensors, other byte orders, writing.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Immutable: safe from any thread.
class File {
 public:
  /// Where to read everything but the tensors' data from: the mapping, or a private copy, which nobody else can change
  /// between two reads.
  enum class Headers { kMapped, kCopied };

  /// Opens a file. If it is the first of a split model (split.count > 1, "name-00001-of-00003.gguf"), opens the other
  /// files beside it too. Throws Error: kIo if a file cannot be read, kFormat if it is damaged, kUnsupported for
  /// another version, byte order or tensor type, kInvalidArgument for a later file of a split model.
  static File open(const std::filesystem::path& path, Headers headers = Headers::kMapped);

  /// The path as given to open(), for messages.
  const std::string& path() const noexcept { return path_; }
  std::uint32_t version() const noexcept { return version_; }
  /// The metadata of the only file, or of the first file of a split model.
  const Metadata& metadata() const noexcept { return metadata_; }
  /// The tensors of all files, in the files' order.
  std::span<const TensorInfo> tensors() const noexcept { return tensors_; }
  /// The number of files of the model; for each, its path and all its bytes, mapped.
  std::size_t parts() const noexcept { return parts_.size(); }
  const std::string& part_path(std::size_t part) const { return parts_[part].mapping.path(); }
  std::span<const std::byte> part_bytes(std::size_t part) const { return parts_[part].mapping.bytes(); }
  /// Returns nullptr if the tensor is absent.
  const TensorInfo* find(std::string_view name) const noexcept;
  /// Throws Error(kFormat) naming the file and the tensor if it is absent.
  const TensorInfo& require(std::string_view name) const;
  /// Returns the path of the file that holds the tensor.
  const std::string& path_of(const TensorInfo& tensor) const noexcept;

  /// Call this after reading mapped bytes and before using them. Throws Error(kIo) naming the file if a file has become
  /// shorter since it was opened, or could not be read: zeros were then read in place of its bytes.
  void check_read() const;
  /// Call this when a tensor's bytes have been read and will not be needed again soon. Checks their file as
  /// check_read() does, and returns their memory to the system.
  void done_with(std::span<const std::byte> data) const;

 private:
  struct Part {
    MappedFile mapping;
    std::vector<std::byte> header;  ///< A copy of the header; empty if it is read where it is mapped.
  };

  File() = default;
  /// Returns the mapping that holds the bytes; nullptr if none does.
  const MappedFile* mapping_of(std::span<const std::byte> data) const noexcept;
  void open_all(const std::filesystem::path& path, Headers headers);
  /// Maps and parses one more file.
  Parsed open_part(const std::filesystem::path& path, Headers headers);
  void open_others(const std::filesystem::path& first, std::size_t count, Headers headers);
  void index_tensors();

  std::string path_;
  std::uint32_t version_ = 0;
  std::vector<Part> parts_;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  /// Indices into tensors_, sorted by name.
  std::vector<std::size_t> by_name_;
};

/// Calls read(), which reads the file, and returns its result. If read() throws and the file could not be read, throws
/// the file's error instead, since it is the cause.
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
