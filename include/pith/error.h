#pragma once

#include <pith/export.h>

#include <stdexcept>
#include <string>

namespace pith::inline v0_1 {

/// The kind of failure, for callers that react to it. The message says where it happened.
enum class ErrorKind {
  kIo,               ///< The operating system refused: missing file, unreadable, short read.
  kFormat,           ///< A file states something impossible: bad magic, size, type, offset.
  kUnsupported,      ///< Well-formed, but pith does not support it: architecture, weight type, tokenizer, codec.
  kInvalidArgument,  ///< The caller passed something out of range.
  kContextFull,      ///< The tokens do not fit into the session's context.
  kOutOfMemory,      ///< An allocation of a stated size failed.
  kNumeric,          ///< Logits are NaN or infinite.
  kIntegrity,        ///< A file differs from its manifest, or a page of the cache changed in memory.
  kPeer,             ///< Another of the processes that work together is gone, silent, or does something else.
  kInternal,         ///< A defect of pith.
};

/// Returns the kind as a short word: "io", "format", …
PITH_EXPORT const char* to_string(ErrorKind kind) noexcept;

/// The exception of every failure of the library. Its message is one line that names the file, the field, the value and
/// the limit.
class PITH_EXPORT Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace pith::inline v0_1
