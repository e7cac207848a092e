#pragma once

#include <cstdint>
#include <filesystem>

namespace pith {

/// Returns the least memory limit in bytes of the process's cgroups (v1 or v2, its own or an ancestor's); 0 if none is
/// set. `root` is where the cgroup file systems are mounted, and `membership` is the process's /proc/self/cgroup; tests
/// pass their own.
std::uint64_t cgroup_memory(const std::filesystem::path& root, const std::filesystem::path& membership);

/// Returns the bytes of memory that this process may hold: the machine's, or fewer if a cgroup limits it. 0 if the
/// system does not say.
std::uint64_t memory_limit();

}  // namespace pith
