#include "manifest/tensor_bytes.h"

#include "base/fail.h"
#include "base/printable.h"
#include "manifest/digests.h"

namespace pith::manifest {
namespace {

/// Returns "blk.12" for "blk.12.attn_q.weight", and "" for tensors that belong to no layer.
std::string_view group_of(std::string_view name) {
  constexpr std::string_view kLayer = "blk.";
  return name.starts_with(kLayer) ? name.substr(0, name.find('.', kLayer.size())) : std::string_view();
}

}  // namespace

void check_described(const gguf::File& file, const Manifest& manifest) {
  // Whole files are not hashed here, and tensors' data is not read yet: take these as expected.
  Manifest found;
  found.files = manifest.files;
  found.metadata = describe_metadata(file.metadata());
  std::map<std::string_view, const Manifest::Tensor*> expected;
  for (const Manifest::Tensor& tensor : manifest.tensors) expected.emplace(tensor.name, &tensor);
  for (const gguf::TensorInfo& info : file.tensors()) {
    Manifest::Tensor& tensor = found.tensors.emplace_back(describe_tensor(info));
    if (const auto at = expected.find(info.name); at != expected.end()) tensor.sha256 = at->second->sha256;
  }
  const std::vector<ManifestDifference> differences = compare(manifest, found);
  if (differences.empty()) return;
  const std::string more =
      differences.size() == 1 ? "" : fmt::format(" ({} more are not as it says)", differences.size() - 1);
  fail(ErrorKind::kIntegrity, "{}: {}{}", file.path(), to_string(differences.front()), more);
}

TensorBytes::TensorBytes(const gguf::File& file, const Manifest* manifest, ThreadPool& pool)
    : file_(file), manifest_(manifest), pool_(pool) {
  if (manifest == nullptr) return;
  for (const Manifest::Tensor& tensor : manifest->tensors) expected_.emplace(tensor.name, &tensor);
  for (const gguf::TensorInfo& tensor : file.tensors()) groups_[group_of(tensor.name)].push_back(&tensor);
}

std::span<const std::byte> TensorBytes::of(const gguf::TensorInfo& tensor) {
  if (manifest_ == nullptr) return tensor.data;
  if (!held_.contains(&tensor)) load(groups_.at(group_of(tensor.name)));
  const RawBuffer& copy = held_.at(&tensor);
  return {copy.data(), copy.size()};
}

void TensorBytes::release(const gguf::TensorInfo& tensor) { held_.erase(&tensor); }

void TensorBytes::load(const Group& group) {
  held_.clear();
  std::vector<RawBuffer*> copies;
  for (const gguf::TensorInfo* tensor : group)
    copies.push_back(&held_.emplace(tensor, RawBuffer(tensor->data.size())).first->second);
  std::vector<std::string> digests(group.size());
  pool_.run(group.size(), [&](std::size_t i) {
    digests[i] = copy_and_digest(group[i]->data, {copies[i]->data(), copies[i]->size()});
  });
  for (std::size_t i = 0; i < digests.size(); ++i) {
    const gguf::TensorInfo& tensor = *group[i];
    file_.done_with(tensor.data);
    const std::string& wanted = expected_.at(tensor.name)->sha256;
    if (digests[i] == wanted) continue;
    fail(ErrorKind::kIntegrity, "{}: {}", file_.path(),
         to_string({ManifestDifference::Part::kTensor, ManifestDifference::Change::kContent, tensor.name, wanted,
                    digests[i]}));
  }
}

}  // namespace pith::manifest
