#pragma once

#include <pith/kv_budget.h>
#include <pith/session.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "base/hidden.h"
#include "io/file_ops.h"
#include "kv/core/byte_counter.h"

namespace pith {

/// What the sessions of a budget have in common. They keep it alive.
class PITH_HIDDEN KvBudget::Impl {
 public:
  explicit Impl(const KvBudgetOptions& options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const std::shared_ptr<kv::ByteCounter>& counter() const { return counter_; }
  void join(Session::Impl& session);
  void leave(const Session::Impl& session) noexcept;
  /// Begins a use: the session is in memory until its last use has ended. Throws Error(kOutOfMemory).
  void begin_use(Session::Impl& session);
  void end_use(const Session::Impl& session) noexcept;
  /// What a session has in the folder is not wanted any more.
  void forget_parked(const Session::Impl& session) noexcept;
  /// Makes sure that a session in use may take so many bytes more. Throws Error(kOutOfMemory).
  void make_room(const Session::Impl& session, std::size_t bytes);
  KvBudgetStats stats() const;

 private:
  struct Member {
    Session::Impl* session = nullptr;
    std::size_t users = 0;
    std::uint64_t last_use = 0;
    std::size_t unshared = 0;  ///< Bytes that the counter does not see, as of the end of the last use.
    std::uint64_t parked = 0;  ///< Bytes in the folder; 0: the cache is in memory.
    std::filesystem::path file{};
  };

  std::uint64_t in_memory() const { return counter_->bytes() + unshared_; }
  /// `own`: the session that wants the bytes, whose marks go last.
  void free(std::size_t bytes, Member& own);
  /// The session that was not used for longest of those that `may`; null: none.
  template <typename May>
  Member* oldest(const May& may);
  bool drop_marks();
  void drop_marks_of(Member& member);
  bool park();
  void unpark(Member& member);
  void remove_file(Member& member) noexcept;
  /// Counts what the counter does not see.
  void measure(Member& member) noexcept;
  /// stats() of somebody who holds the mutex.
  KvBudgetStats counted() const;

  KvBudgetOptions options_;
  std::filesystem::path folder_;  ///< Of this budget alone; empty: none.
  io::FileOps ops_;
  std::shared_ptr<kv::ByteCounter> counter_ = std::make_shared<kv::ByteCounter>();
  mutable std::mutex mutex_;
  std::map<const Session::Impl*, Member> members_;
  std::size_t unshared_ = 0;
  std::uint64_t uses_ = 0;
  std::uint64_t joined_ = 0;
  KvBudgetStats done_;
};

namespace session {

/// A session's part in a budget, if it has one. Not copied with it: a fork joins by itself.
class BudgetMember {
 public:
  BudgetMember(const std::shared_ptr<KvBudget>& budget, Session::Impl& session);
  BudgetMember(const BudgetMember& other, Session::Impl& session);
  ~BudgetMember();
  BudgetMember(const BudgetMember&) = delete;
  BudgetMember& operator=(const BudgetMember&) = delete;

  /// Null if there is no budget.
  static std::shared_ptr<kv::ByteCounter> counter_of(const std::shared_ptr<KvBudget>& budget);
  void begin_use() const;
  void end_use() const noexcept;
  void forget_parked() const noexcept;
  bool bound() const { return budget_ != nullptr; }
  void make_room(std::size_t bytes) const;

 private:
  std::shared_ptr<KvBudget::Impl> budget_;
  Session::Impl* session_;
};

/// While it lives, the session's cache is in memory and stays there.
class Use {
 public:
  explicit Use(const BudgetMember& member) : member_(member) { member_.begin_use(); }
  ~Use() { member_.end_use(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  const BudgetMember& member_;
};

}  // namespace session

}  // namespace pith
