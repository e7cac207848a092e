#pragma once

#include <pith/manifest.h>

#include <functional>

#include "base/thread_pool.h"
#include "gguf/file.h"
#include "model/spec.h"
#include "model/weights.h"

namespace pith::model {

class Adapters;

struct BindOptions {
  /// Whether weights are expanded to float32.
  bool as_f32 = false;
  /// Whether scales, minimums and elements that are NaN or infinite are refused.
  bool check_weights = true;
  /// What the file must match; null: any file. Its metadata and tensor list have been checked before
  /// (manifest::check_described()).
  const Manifest* manifest = nullptr;
  std::function<void(double share)> progress{};
  /// What is added to tensors; null: nothing.
  Adapters* adapters = nullptr;
};

/// The only place where a file's tensors and the packed weights meet. Before packing anything, checks the presence and
/// shape of every tensor against what the spec implies, and that none is left over. Compares the tensors' data with the
/// manifest if there is one. Returns packed source bytes to the system as it goes, so that a load takes hardly more
/// memory than its weights. Throws Error: kFormat naming file, tensor, shape and wanted shape, or the position and
/// value of a number that is not finite; kUnsupported for a tensor that the architecture does not have; kIntegrity for
/// data that differs from the manifest; kInvalidArgument for adapters that do not fit; kIo if the file became shorter
/// meanwhile.
ModelWeights bind_weights(const gguf::File& file, const ModelSpec& spec, const BindOptions& options, ThreadPool& pool);

/// The weights' shapes and sizes, from the list of tensors alone: matrices are outlines, vectors are zeros. Checks what
/// bind_weights() checks of presence and shapes, and throws the same.
ModelWeights outline_weights(const gguf::File& file, const ModelSpec& spec, const BindOptions& options);

}  // namespace pith::model
