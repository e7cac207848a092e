#pragma once

#include <cstddef>
#include <cstdint>

namespace pith::snapshot {

/// What a record holds (docs/formats/snapshot.md), with the numbers used in the file.
enum class RecordKind : std::uint32_t {
  kFingerprint = 1,  ///< What must match on restore: model, positions, codecs, policy.
  kSession = 2,      ///< Options, sampler, sizes.
  kTokens = 3,
  kLogits = 4,
  kCache = 5,  ///< What all heads share.
  kHead = 6,   ///< One KV head, except its pages.
  kPage = 7,   ///< One page, as it is stored.
  kEnd = 8,    ///< SHA-256 of all bytes before.
  kState = 9,  ///< The state of one recurrent layer.
};

inline constexpr std::uint32_t kRecordKinds = 9;

const char* to_string(RecordKind kind) noexcept;

/// Precedes a record's bytes, which are followed by the XXH3 of both.
struct RecordHeader {
  std::uint32_t kind = 0;
  std::uint32_t number = 0;  ///< From 0.
  std::uint64_t size = 0;
};
static_assert(sizeof(RecordHeader) == 16);

}  // namespace pith::snapshot
