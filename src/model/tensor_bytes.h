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

namespace pith::model {

/// Throws Error(kIntegrity) naming file and what is not as the manifest says: keys of the metadata, names, types and
/// shapes of tensors. Their data is left to TensorBytes.
void check_described(const gguf::File& file, const Manifest& manifest);

/// Tensors' data on their way from a file to packed weights. With a manifest each tensor is first copied to memory of
/// our own and the copy's digest compared: what is packed is what was checked, whoever writes to the file meanwhile. A
/// layer's tensors are copied at once, side by side, and given back when they are packed.
class TensorBytes {
 public:
  /// All outlive it. `manifest`: null to take everything as it lies in the file; else check_described() has passed.
  TensorBytes(const gguf::File& file, const Manifest* manifest, ThreadPool& pool);

  /// Valid until release() or the next call. Throws Error: kIntegrity naming file, tensor, digest and the manifest's,
  /// kOutOfMemory.
  std::span<const std::byte> of(const gguf::TensorInfo& tensor);
  /// It is packed.
  void release(const gguf::TensorInfo& tensor);

 private:
  using Group = std::vector<const gguf::TensorInfo*>;

  void load(const Group& group);

  const gguf::File& file_;
  const Manifest* manifest_;
  ThreadPool& pool_;
  std::map<std::string_view, const Manifest::Tensor*> expected_;
  /// By what their names begin with, "blk.12"; all others under "".
  std::map<std::string_view, Group> groups_;
  /// Copies of one group's tensors.
  std::map<const gguf::TensorInfo*, RawBuffer> held_;
};

}  // namespace pith::model
