#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pith/manifest.h>

#include <map>

#include "base/fail.h"
#include "base/printable.h"

namespace pith::inline v0_1 {
namespace {

using Part = ManifestDifference::Part;
using Change = ManifestDifference::Change;

std::string shape_of(const Manifest::Key& key) { return key.type; }
std::string shape_of(const Manifest::Tensor& tensor) {
  return fmt::format("{} [{}]", tensor.type, fmt::join(tensor.shape, ", "));
}

/// Keys or tensors, indexed by name.
template <typename Item>
void compare_named(Part part, const std::vector<Item>& expected, const std::vector<Item>& found,
                   std::vector<ManifestDifference>& differences) {
  std::map<std::string_view, const Item*> left;
  for (const Item& item : found) left.emplace(item.name, &item);
  for (const Item& wanted : expected) {
    const auto at = left.find(wanted.name);
    if (at == left.end()) {
      differences.push_back({part, Change::kMissing, wanted.name, shape_of(wanted), ""});
      continue;
    }
    const Item& item = *at->second;
    left.erase(at);
    if (shape_of(wanted) != shape_of(item)) {
      differences.push_back({part, Change::kShape, wanted.name, shape_of(wanted), shape_of(item)});
    } else if (wanted.sha256 != item.sha256) {
      differences.push_back({part, Change::kContent, wanted.name, wanted.sha256, item.sha256});
    }
  }
  for (const Item& item : found) {
    if (left.contains(item.name)) differences.push_back({part, Change::kExtra, item.name, "", shape_of(item)});
  }
}

void compare_files(const Manifest& expected, const Manifest& found, std::vector<ManifestDifference>& differences) {
  const auto size = [](const Manifest::File& file) { return fmt::format("{} bytes", file.bytes); };
  for (std::size_t i = 0; i < std::max(expected.files.size(), found.files.size()); ++i) {
    if (i >= found.files.size()) {
      differences.push_back({Part::kFile, Change::kMissing, expected.files[i].name, size(expected.files[i]), ""});
      continue;
    }
    const Manifest::File& file = found.files[i];
    if (i >= expected.files.size()) {
      differences.push_back({Part::kFile, Change::kExtra, file.name, "", size(file)});
      continue;
    }
    const Manifest::File& wanted = expected.files[i];
    if (wanted.bytes != file.bytes) {
      differences.push_back({Part::kFile, Change::kShape, file.name, size(wanted), size(file)});
    } else if (wanted.sha256 != file.sha256) {
      differences.push_back({Part::kFile, Change::kContent, file.name, wanted.sha256, file.sha256});
    }
  }
}

std::string_view word(Part part) {
  switch (part) {
    case Part::kFile:
      return "file";
    case Part::kKey:
      return "key";
    case Part::kTensor:
      return "tensor";
  }
  fail(ErrorKind::kInternal, "part {} of a manifest", static_cast<int>(part));
}

}  // namespace

std::string to_string(const ManifestDifference& difference) {
  const std::string what = fmt::format("{} {}", word(difference.part), printable(difference.name));
  const std::string expected = printable(difference.expected);
  const std::string found = printable(difference.found);
  switch (difference.change) {
    case Change::kContent:
      return fmt::format("{}: SHA-256 is {}, the manifest says {}", what, found, expected);
    case Change::kShape:
      return fmt::format("{}: is {}, the manifest says {}", what, found, expected);
    case Change::kMissing:
      return fmt::format("{}: is missing, the manifest says {}", what, expected);
    case Change::kExtra:
      return fmt::format("{}: is {}, the manifest has none", what, found);
  }
  fail(ErrorKind::kInternal, "change {} of a manifest", static_cast<int>(difference.change));
}

std::vector<ManifestDifference> compare(const Manifest& expected, const Manifest& found) {
  std::vector<ManifestDifference> differences;
  compare_files(expected, found, differences);
  compare_named(Part::kKey, expected.metadata, found.metadata, differences);
  compare_named(Part::kTensor, expected.tensors, found.tensors, differences);
  return differences;
}

}  // namespace pith::inline v0_1
