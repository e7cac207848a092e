#include "base/processors.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>

#include "base/cgroup.h"

namespace pith {
namespace {

namespace fs = std::filesystem;

std::optional<double> read_number(std::ifstream& file) {
  double number = 0.0;
  return file >> number ? std::optional(number) : std::nullopt;
}

/// cgroup v2: "QUOTA PERIOD", the quota "max" where there is none.
std::optional<double> quota_v2(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  const std::optional<double> quota = read_number(file);
  const std::optional<double> period = quota ? read_number(file) : std::nullopt;
  if (!period || *period <= 0.0 || *quota <= 0.0) return std::nullopt;
  return *quota / *period;
}

/// cgroup v1: a file for each number, the quota -1 where there is none.
std::optional<double> quota_v1(const fs::path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us");
  std::ifstream period_file(group / "cpu.cfs_period_us");
  const std::optional<double> quota = read_number(quota_file);
  const std::optional<double> period = read_number(period_file);
  if (!quota || !period || *period <= 0.0 || *quota <= 0.0) return std::nullopt;
  return *quota / *period;
}

int affinity_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines with more processors than the set has room for: then all of them count.
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return static_cast<int>(std::thread::hardware_concurrency());
  return CPU_COUNT(&set);
}

}  // namespace

int cgroup_processors(const fs::path& root, const fs::path& membership) {
  const CgroupResource cpu = {"cpu", {"cpu", "cpu,cpuacct"}, quota_v1, quota_v2};
  const std::optional<double> least = least_cgroup_limit(cpu, root, membership);
  if (!least) return 0;
  constexpr double kMost = 1 << 20;
  return static_cast<int>(std::min(kMost, std::max(1.0, *least + 0.999)));
}

int usable_processors() {
  const int allowed = std::max(1, affinity_processors());
  const int quota = cgroup_processors("/sys/fs/cgroup", "/proc/self/cgroup");
  return quota == 0 ? allowed : std::min(allowed, quota);
}

}  // namespace pith
