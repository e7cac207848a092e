#include "gguf/shards.h"

#include <algorithm>
#include <string>

#include "base/fail.h"

namespace pith::gguf {
namespace {

/// File names have five digits.
constexpr std::uint64_t kCountMax = 99999;

std::string name_end(std::size_t index, std::size_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", index + 1, count);
}

}  // namespace

Shard read_shard(const Metadata& metadata, const std::filesystem::path& path) {
  // Tools that merge the parts leave a count of 0 in the file.
  const std::uint64_t count = std::max<std::uint64_t>(1, metadata.get<std::uint64_t>("split.count").value_or(0));
  if (count > kCountMax) {
    fail(ErrorKind::kFormat, "{}: split.count is {}, at most {} are allowed", path.string(), count, kCountMax);
  }
  const auto index =
      count == 1 ? metadata.get<std::uint64_t>("split.no").value_or(0) : metadata.require<std::uint64_t>("split.no");
  if (index >= count) {
    fail(ErrorKind::kFormat, "{}: split.no is {}, must be below split.count {}", path.string(), index, count);
  }
  return {static_cast<std::size_t>(count), static_cast<std::size_t>(index)};
}

std::filesystem::path shard_path(const std::filesystem::path& first, std::size_t index, std::size_t count) {
  const std::string name = first.filename().string();
  const std::string end = name_end(0, count);
  if (!name.ends_with(end)) {
    fail(ErrorKind::kFormat, "{}: is the first of {} files (split.count), its name must end in {}", first.string(),
         count, end);
  }
  return first.parent_path() / (name.substr(0, name.size() - end.size()) + name_end(index, count));
}

}  // namespace pith::gguf
