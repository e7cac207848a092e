#pragma once

#include <pith/export.h>
#include <pith/progress.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pith::inline v0_1 {

/// The contents of a model's files as SHA-256 digests: of each file, each key of the metadata and each tensor
/// (docs/formats/manifest.md). Digests are 64 hexadecimal digits in lower case.
struct Manifest {
  /// A file, identified by its index among the model's files. Its name is for people.
  struct File {
    std::string name;
    std::uint64_t bytes = 0;
    std::string sha256;
  };
  /// A key of the first file's metadata: hyper-parameters, the vocabulary, the chat template, …
  struct Key {
    std::string name;
    /// For example "uint32" or "array of string".
    std::string type;
    std::string sha256;
  };
  struct Tensor {
    std::string name;
    /// For example "Q4_1".
    std::string type;
    /// In the order of the file: columns first.
    std::vector<std::uint64_t> shape;
    /// Digest of the tensor's data as stored in the file.
    std::string sha256;
  };

  std::vector<File> files{};
  std::vector<Key> metadata{};
  std::vector<Tensor> tensors{};
};

struct ManifestOptions {
  /// Threads that hash tensors and files in parallel; 0: one per processor.
  int threads = 0;
  ProgressSink progress{};
};

/// Reads all of a model's files and hashes their contents. Does not interpret hyper-parameters or the tokenizer. Throws
/// Error as Model::load() does if the files are not valid GGUF.
PITH_EXPORT Manifest make_manifest(const std::filesystem::path& model, const ManifestOptions& options = {});

/// Returns the manifest as JSON, always the same text for the same manifest. Throws Error(kInvalidArgument) for a
/// manifest that parse_manifest() would refuse.
PITH_EXPORT std::string to_json(const Manifest& manifest);
/// Parses a manifest; `origin` names the text in errors. If you check a signature over the text, pass exactly the bytes
/// that you checked. Throws Error(kFormat) for anything that is not a manifest: other versions, fields that are
/// missing, unknown or repeated, wrong types, malformed digests, too many or too long items.
PITH_EXPORT Manifest parse_manifest(std::string_view json, std::string_view origin = "manifest");

/// Reads a manifest from a file. Throws Error: kIo, and as parse_manifest() does.
PITH_EXPORT Manifest read_manifest(const std::filesystem::path& path);
/// Writes a manifest to a file, as a whole or not at all, and replaces a file of the same name. Throws Error: kIo
/// naming path and reason, and as to_json() does.
PITH_EXPORT void write_manifest(const Manifest& manifest, const std::filesystem::path& path);

/// One difference from a manifest.
struct ManifestDifference {
  enum class Part { kFile, kKey, kTensor };
  enum class Change {
    kContent,  ///< The bytes differ.
    kShape,    ///< The type, shape or size differs.
    kMissing,  ///< The manifest has it, the model does not.
    kExtra,    ///< The model has it, the manifest does not.
  };
  Part part = Part::kFile;
  Change change = Change::kContent;
  std::string name;
  /// Digests, or types and sizes; empty for the side that lacks the item.
  std::string expected;
  std::string found;
};

/// Returns one line for people: "tensor blk.0.ffn_up.weight: …".
PITH_EXPORT std::string to_string(const ManifestDifference& difference);

/// Returns all differences: files, keys, tensors, each in the order of `expected`, extra ones last. Ignores the names
/// of files and the order of keys and tensors.
PITH_EXPORT std::vector<ManifestDifference> compare(const Manifest& expected, const Manifest& found);

}  // namespace pith::inline v0_1
