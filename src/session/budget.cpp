#include "session/budget.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/fail.h"
#include "kv/store/integrity.h"
#include "kv/store/snapshot.h"
#include "session/session_impl.h"
#include "snapshot/cipher.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"

namespace pith {
namespace {

constexpr std::uint64_t kLeastBytes = std::uint64_t{1} << 20U;

/// Pages of a cache lie between those of others. Without this, the allocator keeps what parking frees: 18 % beyond a
/// limit of 300 MiB with 500 sessions.
void give_back_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

const KvBudgetOptions& checked(const KvBudgetOptions& options) {
  if (options.bytes_max < kLeastBytes) {
    fail(ErrorKind::kInvalidArgument, "a KV budget is {} bytes, must be at least {}", options.bytes_max, kLeastBytes);
  }
  if (!options.key.empty() && options.key.size() != snapshot::kKeyBytes) {
    fail(ErrorKind::kInvalidArgument, "the key of a KV budget has {} bytes, must have {}", options.key.size(),
         snapshot::kKeyBytes);
  }
  return options;
}

/// Makes a folder inside the given one that nobody else uses.
std::filesystem::path own_folder(const std::filesystem::path& folder) {
  if (folder.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string path = (folder / "parked-XXXXXX").string();
  if (error || ::mkdtemp(path.data()) == nullptr) {
    if (!error) error = std::error_code(errno, std::generic_category());
    fail(ErrorKind::kIo, "{}: cannot make a folder for parked sessions: {}", folder.string(), error.message());
  }
  return path;
}

}  // namespace

KvBudget::KvBudget(const KvBudgetOptions& options) : impl_(std::make_shared<Impl>(options)) {}
KvBudget::~KvBudget() = default;
KvBudgetStats KvBudget::stats() const { return impl_->stats(); }

KvBudget::Impl::Impl(const KvBudgetOptions& options)
    : options_(checked(options)), folder_(own_folder(options.folder)) {}

KvBudget::Impl::~Impl() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

void KvBudget::Impl::join(Session::Impl& session) {
  const std::lock_guard lock(mutex_);
  Member member;
  member.session = &session;
  member.last_use = ++uses_;
  member.file = folder_ / fmt::format("{}.pith", ++joined_);
  // Last: a session that could not be made must not be among them.
  measure(members_.emplace(&session, std::move(member)).first->second);
}

void KvBudget::Impl::leave(const Session::Impl& session) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(&session);
  remove_file(found->second);
  unshared_ -= found->second.unshared;
  members_.erase(found);
}

void KvBudget::Impl::begin_use(Session::Impl& session) {
  const std::lock_guard lock(mutex_);
  Member& member = members_.at(&session);
  member.last_use = ++uses_;
  ++member.users;
  try {
    if (member.parked != 0) unpark(member);
  } catch (...) {
    --member.users;
    throw;
  }
}

void KvBudget::Impl::end_use(const Session::Impl& session) noexcept {
  const std::lock_guard lock(mutex_);
  Member& member = members_.at(&session);
  // Others may still read it, but nobody changes it then.
  if (--member.users == 0) measure(member);
}

void KvBudget::Impl::forget_parked(const Session::Impl& session) noexcept {
  const std::lock_guard lock(mutex_);
  remove_file(members_.at(&session));
}

void KvBudget::Impl::remove_file(Member& member) noexcept {
  if (member.parked == 0) return;
  std::error_code ignored;
  std::filesystem::remove(member.file, ignored);
  member.parked = 0;
}

void KvBudget::Impl::make_room(const Session::Impl& session, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  // What it has taken in this use is not counted yet.
  Member& own = members_.at(&session);
  measure(own);
  free(bytes, own);
}

KvBudgetStats KvBudget::Impl::stats() const {
  const std::lock_guard lock(mutex_);
  return counted();
}

KvBudgetStats KvBudget::Impl::counted() const {
  KvBudgetStats stats = done_;
  stats.bytes = in_memory();
  stats.sessions = members_.size();
  for (const auto& [session, member] : members_) {
    stats.parked += member.parked != 0 ? 1 : 0;
    stats.parked_bytes += member.parked;
  }
  return stats;
}

void KvBudget::Impl::measure(Member& member) noexcept {
  const std::size_t unshared = member.session->unshared_bytes();
  unshared_ = unshared_ - member.unshared + unshared;
  member.unshared = unshared;
}

void KvBudget::Impl::free(std::size_t bytes, Member& own) {
  while (in_memory() + bytes > options_.bytes_max) {
    if (drop_marks() || park()) continue;
    if (own.session->holds_more_than_cache()) {
      drop_marks_of(own);
      continue;
    }
    const KvBudgetStats stats = counted();
    fail(ErrorKind::kOutOfMemory,
         "the KV caches of {} sessions hold {} bytes and are to take up to {} more; the budget is {}, {} sessions are "
         "parked and no other can be",
         stats.sessions, stats.bytes, bytes, options_.bytes_max, stats.parked);
  }
}

template <typename May>
KvBudget::Impl::Member* KvBudget::Impl::oldest(const May& may) {
  Member* oldest = nullptr;
  for (auto& [session, member] : members_) {
    if (member.users != 0 || member.parked != 0 || !may(*member.session)) continue;
    if (oldest == nullptr || member.last_use < oldest->last_use) oldest = &member;
  }
  return oldest;
}

bool KvBudget::Impl::drop_marks() {
  Member* member = oldest([](const Session::Impl& session) { return session.holds_more_than_cache(); });
  if (member == nullptr) return false;
  drop_marks_of(*member);
  return true;
}

void KvBudget::Impl::drop_marks_of(Member& member) {
  done_.marks_dropped += member.session->marks_.size();
  member.session->forget_more_than_cache();
  measure(member);
}

bool KvBudget::Impl::park() {
  if (folder_.empty()) return false;
  Member* member = oldest([](const Session::Impl& session) { return session.can_park(); });
  if (member == nullptr) return false;
  Session::Impl& session = *member->session;
  try {
    kv::verify_pages(session.cache_);
  } catch (const Error&) {
    // It is not parked again, since it is not whole: its next use computes the cache anew.
    session.wholeness_.damage();
    return true;
  }
  const std::filesystem::path& file = member->file;
  snapshot::Writer writer(file, options_.key, ops_, kv::version_for(session.cache_));
  kv::save(session.cache_, writer);
  writer.finish();
  const std::uint64_t size = std::filesystem::file_size(file);
  session.cache_ = session.cache_.emptied();
  give_back_memory();
  member->parked = size;
  ++done_.parkings;
  measure(*member);
  return true;
}

void KvBudget::Impl::unpark(Member& member) {
  free(member.parked, member);
  Session::Impl& session = *member.session;
  kv::Cache cache = session.cache_.emptied();
  bool read = false;
  try {
    snapshot::Reader reader(member.file, options_.key);
    reader.verify();
    kv::restore(cache, reader);
    reader.end();
    read = true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kOutOfMemory) throw;
    session.model_.impl()->log().warn("a parked session is computed again: {}", error.what());
  }
  if (read) {
    session.cache_ = std::move(cache);
  } else {
    session.wholeness_.damage();
  }
  remove_file(member);
  ++done_.returns;
}

namespace session {

BudgetMember::BudgetMember(const std::shared_ptr<KvBudget>& budget, Session::Impl& session)
    : budget_(budget == nullptr ? nullptr : budget->impl_), session_(&session) {
  if (budget_ != nullptr) budget_->join(session);
}

BudgetMember::BudgetMember(const BudgetMember& other, Session::Impl& session)
    : budget_(other.budget_), session_(&session) {
  if (budget_ != nullptr) budget_->join(session);
}

BudgetMember::~BudgetMember() {
  if (budget_ != nullptr) budget_->leave(*session_);
}

std::shared_ptr<kv::ByteCounter> BudgetMember::counter_of(const std::shared_ptr<KvBudget>& budget) {
  return budget == nullptr ? nullptr : budget->impl_->counter();
}

void BudgetMember::begin_use() const {
  if (budget_ != nullptr) budget_->begin_use(*session_);
}

void BudgetMember::end_use() const noexcept {
  if (budget_ != nullptr) budget_->end_use(*session_);
}

void BudgetMember::forget_parked() const noexcept {
  if (budget_ != nullptr) budget_->forget_parked(*session_);
}

void BudgetMember::make_room(std::size_t bytes) const {
  if (budget_ != nullptr) budget_->make_room(*session_, bytes);
}

}  // namespace session

}  // namespace pith
