#pragma once

#include <filesystem>

namespace pith {

/// Processors that this process may use: those of its affinity mask, or fewer where a cgroup's CPU quota (v1 or v2, its
/// own or an ancestor's) grants less time; a quota of 1.5 processors counts as 2. At least 1.
int usable_processors();

/// The quota alone, rounded up to whole processors; 0: none is set. `root` is where the cgroup file systems are mounted
/// and `membership` the process's /proc/self/cgroup; tests give their own.
int cgroup_processors(const std::filesystem::path& root, const std::filesystem::path& membership);

}  // namespace pith
