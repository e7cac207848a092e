#pragma once

#include <pith/manifest.h>

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "gguf/file.h"

namespace pith::manifest {

/// Throws Error(kIntegrity) naming the file and the first difference from the manifest: keys of the metadata, names,
/// types and shapes of tensors. The tensors' data is left to TensorBytes.
void check_described(const gguf::File& file, const Manifest& manifest);

/// Hands tensors' data from a file to packing. With a manifest, each tensor is first copied to private memory and the
/// copy's digest is compared, so that the checked bytes are the packed ones, even if somebody writes to the file
/// meanwhile. The tensors of a layer are copied together, in parallel, and freed once they are packed.
class TensorBytes {
 public:
  /// All must outlive it. `manifest` is null to use the file's own bytes; otherwise check_described() must have passed.
  TensorBytes(const gguf::File& file, const Manifest* manifest, ThreadPool& pool);

  /// The bytes are valid until release() or the next call. Throws Error: kIntegrity naming file, tensor, its digest and
  /// the manifest's; kOutOfMemory.
  std::span<const std::byte> of(const gguf::TensorInfo& tensor);
  /// Call this when the tensor is packed.
  void release(const gguf::TensorInfo& tensor);

 private:
  using Group = std::vector<const gguf::TensorInfo*>;

  void load(const Group& group);

  const gguf::File& file_;
  const Manifest* manifest_;
  ThreadPool& pool_;
  std::map<std::string_view, const Manifest::Tensor*> expected_;
  /// By the first part of the tensors' names, "blk.12"; all others under "".
  std::map<std::string_view, Group> groups_;
  /// Copies of one group's tensors.
  std::map<const gguf::TensorInfo*, RawBuffer> held_;
};

}  // namespace pith::manifest
