#include <pith/error.h>

namespace pith::inline v0_1 {

const char* to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kIo:
      return "io";
    case ErrorKind::kFormat:
      return "format";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kInvalidArgument:
      return "invalid argument";
    case ErrorKind::kContextFull:
      return "context full";
    case ErrorKind::kOutOfMemory:
      return "out of memory";
    case ErrorKind::kNumeric:
      return "numeric";
    case ErrorKind::kIntegrity:
      return "integrity";
    case ErrorKind::kPeer:
      return "peer";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "unknown";
}

}  // namespace pith::inline v0_1
