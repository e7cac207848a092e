#pragma once

#include <pith/export.h>
#include <pith/progress.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pith::inline v0_1 {

/// A type for all tensors whose name a regular expression matches.
struct QuantizeRule {
  /// A regular expression of PCRE2, for example "ffn_down|attn_v"; it may match any part of the name.
  std::string pattern{};
  /// A tensor type, for example "Q6_K".
  std::string type{};
};

/// Names of types may be in upper or lower case. A mix is a name of quantize_mixes(), such as "q4_k_m"; a tensor type
/// is one of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K to Q6_K, IQ4_NL, IQ4_XS, MXFP4, TQ1_0 and TQ2_0.
struct QuantizeOptions {
  /// A mix: the type of most matrices, and which ones get another.
  std::string type = "q4_k_m";
  /// Gives all matrices the mix's main type, except those that the next three name.
  bool pure = false;
  /// A tensor type for the output matrix, or for the embedding where it is both; empty: as the mix says.
  std::string output_type{};
  /// The same for the token embedding.
  std::string embedding_type{};
  /// The first rule that matches a matrix counts, and comes before all of the above. Every rule must match one.
  std::vector<QuantizeRule> rules{};
  /// Whether matrices may change their type that are neither F32, F16 nor BF16, and so have lost something before.
  bool allow_requantize = false;
  /// Whether an existing file is replaced.
  bool overwrite = false;
  /// Threads, 0: one per processor. The file does not depend on it.
  int threads = 0;
  /// An exception that it throws ends the call, passes through to the caller, and leaves no file.
  ProgressSink progress{};
};

/// A tensor before and after.
struct QuantizedTensor {
  std::string name{};
  /// In the order of the file: columns first.
  std::vector<std::uint64_t> shape{};
  /// For example "F16".
  std::string type_before{};
  std::string type_after{};
  std::uint64_t elements = 0;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  /// Why it has not the type that was asked for, on one line: it is kept as it is, or its rows do not divide into
  /// blocks. Empty otherwise.
  std::string note{};
};

/// What quantize_file() does, or did.
struct QuantizeReport {
  /// In the order of the files.
  std::vector<QuantizedTensor> tensors{};
  std::uint64_t elements = 0;
  /// Sizes of whole files.
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;

  /// Bits of the tensors' data after it, per element; 0 if there are none.
  PITH_EXPORT double bits_per_weight() const noexcept;
};

/// Returns the names of all mixes: "f32" to "q4_k_m".
PITH_EXPORT std::vector<std::string> quantize_mixes();

/// Returns what quantize_file() would do, from the input's header alone: it reads no weights and writes nothing. Throws
/// as quantize_file() does, for what the header shows.
PITH_EXPORT QuantizeReport plan_quantization(const std::filesystem::path& input, const QuantizeOptions& options = {});

/// Reads a model, the first of its files if it is sharded, rounds its matrices to other types, and writes one GGUF file
/// of version 3, completely or not at all. Metadata stays as it is byte for byte and in order, except that
/// general.file_type and general.quantization_version are set and split.* is left out. Vectors, norms, routers,
/// convolutions, small tensors of recurrent layers and position embeddings keep their type. Q8_0, Q4_0 to Q5_1, BF16,
/// F16, TQ1_0, TQ2_0 and MXFP4 get the bits that the Python package gguf gives them. Takes a few megabytes of memory
/// per thread besides the header. Several calls may run at once, in any threads.
///
/// Throws Error: kIo if a file cannot be read or written (a full disk, for example); kFormat if the input is damaged or
/// a weight is NaN or infinite; kInvalidArgument for unknown types, rules that match nothing or do not compile, an
/// existing output, an output that is one of the inputs, or matrices that would be requantized without leave;
/// kUnsupported for weights too large for their type; kOutOfMemory.
PITH_EXPORT QuantizeReport quantize_file(const std::filesystem::path& input, const std::filesystem::path& output,
                                         const QuantizeOptions& options = {});

}  // namespace pith::inline v0_1
