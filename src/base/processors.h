#pragma once

#include <filesystem>

namespace pith {

/// Returns the number of processors that this process may use: those of its affinity mask, or fewer if a cgroup's CPU
/// quota (v1 or v2, its own or an ancestor's) grants less time. A quota of 1.5 processors counts as 2. At least 1.
int usable_processors();

/// Returns the quota alone, rounded up to whole processors; 0 if none is set. `root` is where the cgroup file systems
/// are mounted, and `membership` is the process's /proc/self/cgroup; tests pass their own.
int cgroup_processors(const std::filesystem::path& root, const std::filesystem::path& membership);

}  // namespace pith
