#include "base/cgroup.h"

#include <fstream>
#include <string>

namespace pith {
namespace {

namespace fs = std::filesystem;

void lower(std::optional<double>& least, std::optional<double> limit) {
  if (limit && (!least || *limit < *least)) least = limit;
}

/// Returns the least limit from the group up to the mount point: ancestors limit their descendants.
std::optional<double> least_up_from(const fs::path& mount, fs::path group, ReadCgroupLimit read) {
  std::optional<double> least;
  for (group = group.relative_path();; group = group.parent_path()) {
    lower(least, read(mount / group));
    if (group.empty()) return least;
  }
}

/// Whether a list like "cpuacct,cpu" names the controller.
bool names(std::string_view controllers, std::string_view controller) {
  const std::string listed = "," + std::string(controllers) + ",";
  return listed.find("," + std::string(controller) + ",") != std::string::npos;
}

}  // namespace

std::optional<double> least_cgroup_limit(const CgroupResource& resource, const fs::path& root,
                                         const fs::path& membership) {
  std::optional<double> least;
  std::ifstream file(membership);
  // Each line is HIERARCHY:CONTROLLERS:PATH; v2 has no controllers.
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      lower(least, least_up_from(root, group, resource.read_v2));
      lower(least, least_up_from(root / "unified", group, resource.read_v2));
    } else if (names(controllers, resource.controller)) {
      for (const char* mount : resource.mounts) lower(least, least_up_from(root / mount, group, resource.read_v1));
    }
  }
  return least;
}

}  // namespace pith
