#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace pith {

/// Reads a limit from the files in a group's folder; nothing if none is set or the files are damaged.
using ReadCgroupLimit = std::optional<double> (*)(const std::filesystem::path& group);

/// A resource that cgroups limit, and where both versions keep its limit.
struct CgroupResource {
  std::string_view controller;      ///< Name in v1: "memory".
  std::vector<const char*> mounts;  ///< Folders below the root where v1 may be mounted.
  ReadCgroupLimit read_v1;
  ReadCgroupLimit read_v2;
};

/// Returns the least limit that the process's groups and their ancestors set, of both versions; nothing if none does.
/// `root` is where the cgroup file systems are mounted, `membership` is the process's /proc/self/cgroup.
std::optional<double> least_cgroup_limit(const CgroupResource& resource, const std::filesystem::path& root,
                                         const std::filesystem::path& membership);

}  // namespace pith
