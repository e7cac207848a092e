#include "base/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/cgroup.h"

namespace pith {
namespace {

namespace fs = std::filesystem;

std::optional<double> read_bytes(const fs::path& path) {
  std::ifstream file(path);
  double bytes = 0.0;
  // "max" in v2 is no number: no limit.
  if (!(file >> bytes) || bytes < 1.0) return std::nullopt;
  return bytes;
}

std::optional<double> limit_v1(const fs::path& group) { return read_bytes(group / "memory.limit_in_bytes"); }
std::optional<double> limit_v2(const fs::path& group) { return read_bytes(group / "memory.max"); }

}  // namespace

std::uint64_t cgroup_memory(const fs::path& root, const fs::path& membership) {
  const CgroupResource memory = {"memory", {"memory"}, limit_v1, limit_v2};
  // Without a limit v1 states almost 2^63.
  constexpr double kNone = 0x1p62;
  const double least = least_cgroup_limit(memory, root, membership).value_or(kNone);
  return least < kNone ? static_cast<std::uint64_t>(least) : 0;
}

std::uint64_t memory_limit() {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const std::uint64_t physical = pages * static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  const std::uint64_t group = cgroup_memory("/sys/fs/cgroup", "/proc/self/cgroup");
  return group == 0 ? physical : std::min(physical, group);
}

}  // namespace pith
