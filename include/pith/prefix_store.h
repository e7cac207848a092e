#pragma once

#include <pith/export.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace pith::session {
class StoredPrefixes;
}  // namespace pith::session

namespace pith::inline v0_1 {

struct PrefixStoreOptions {
  /// A folder of its own; made if it is not there.
  std::filesystem::path folder{};
  /// What its files may take together, at least 1 MiB. Those go first that were not used for longest.
  std::uint64_t bytes_max = std::uint64_t{4} << 30U;
  /// 32 bytes: files are encrypted and authenticated with it, as snapshots are (SnapshotOptions::key), and those with
  /// another key or none are passed over. Empty: no encryption.
  std::vector<std::byte> key{};
};

/// What a store holds, and what it has done for the sessions of this process.
struct PrefixStoreStats {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t found = 0;          ///< First feeds that began with a stored prefix.
  std::uint64_t tokens_reused = 0;  ///< Tokens that were not computed for it.
  std::uint64_t stored = 0;         ///< States written.
  std::uint64_t refused = 0;        ///< Files that were damaged, of another kind or not readable: passed over.
};

/// Prefixes that outlive sessions and processes: a folder of KV cache pages, found by the tokens that led to them
/// (docs/prefix_store.md). Give it to sessions in SessionOptions::prefix_store. Segments of 1,024 tokens are shared
/// by all prefixes that begin with them. Each page's checksum is verified before it is used; what is damaged is passed
/// over, with a warning in the model's log, and computed. Thread-safe; several processes may use one folder at once.
class PITH_EXPORT PrefixStore {
 public:
  /// Throws Error: kIo if the folder cannot be made or written, kInvalidArgument for a key of another length, and for a
  /// limit out of range.
  explicit PrefixStore(const PrefixStoreOptions& options);
  ~PrefixStore();
  PrefixStore(const PrefixStore&) = delete;
  PrefixStore& operator=(const PrefixStore&) = delete;

  /// Reads the folder.
  PrefixStoreStats stats() const;

 private:
  friend class session::StoredPrefixes;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pith::inline v0_1
