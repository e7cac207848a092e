#pragma once

#include <pith/export.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace pith::session {
class BudgetMember;
}  // namespace pith::session

namespace pith::inline v0_1 {

struct KvBudgetOptions {
  /// What the KV caches of all its sessions may hold together, with marks, tables and the sessions' logits; pages that
  /// sessions share count once. At least 1 MiB.
  std::uint64_t bytes_max = 0;
  /// Where the caches of idle sessions are written if the memory is needed; made if it is not there. Empty: they stay
  /// in memory.
  std::filesystem::path folder{};
  /// 32 bytes: what is written is encrypted and authenticated, as snapshots are (SnapshotOptions::key). Empty: it is
  /// not.
  std::vector<std::byte> key{};
};

/// What a budget holds, and what was done to keep it.
struct KvBudgetStats {
  std::uint64_t bytes = 0;         ///< In memory now.
  std::size_t sessions = 0;        ///< Those that share the budget.
  std::size_t parked = 0;          ///< Of these, sessions whose cache is in the folder.
  std::uint64_t parked_bytes = 0;  ///< What they take there.
  std::uint64_t parkings = 0;      ///< How often a cache was written to the folder.
  std::uint64_t returns = 0;       ///< How often one was read again.
  std::uint64_t marks_dropped = 0;
};

/// A limit for the KV caches of many sessions, of one model or several. Give it to them in SessionOptions::kv_budget.
///
/// Before a session takes more than is left, others make room, those first that were not used for longest and that
/// nobody uses at the time: they drop their marks and what they share with sessions to come, then their caches go to
/// the folder (they are parked). A parked session's next use reads its cache again and goes on bit for bit. If that
/// does not do, the session drops its own marks, and at last the use throws Error(kOutOfMemory) that names the numbers,
/// and the session stays what it was. Nothing else is given up. Sessions that read sparsely, or that documents were
/// appended to, are never parked.
///
/// Thread-safe. While a cache is written or read, other sessions of the budget wait to begin.
class PITH_EXPORT KvBudget {
 public:
  /// Throws Error: kIo if the folder cannot be made, kInvalidArgument for a key of another length, and for a limit out
  /// of range.
  explicit KvBudget(const KvBudgetOptions& options);
  ~KvBudget();
  KvBudget(const KvBudget&) = delete;
  KvBudget& operator=(const KvBudget&) = delete;

  KvBudgetStats stats() const;

 private:
  friend class session::BudgetMember;
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace pith::inline v0_1
