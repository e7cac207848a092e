#pragma once

#include <pith/manifest.h>

#include <functional>

#include "base/thread_pool.h"
#include "gguf/file.h"
#include "model/hparams.h"
#include "model/weights.h"

namespace pith::model {

struct BindOptions {
  /// Weights are expanded to float32.
  bool as_f32 = false;
  /// Scales, minimums and elements that are NaN or infinite are refused.
  bool check_weights = true;
  /// What the file must be; null: whatever it is. Its description has been checked.
  const Manifest* manifest = nullptr;
  std::function<void(double share)> progress{};
};

/// The only place where a file's tensors and the packed weights meet. Checks every tensor's presence and shape against
/// the hyper-parameters before the first is packed, that none is left over, and all of the file against a manifest if
/// there is one. What was packed is given back to the system, so that a load takes hardly more memory than its weights.
/// Throws Error: kFormat naming file, tensor, shape and the shape wanted, or the place and value of a number that is
/// not finite; kUnsupported for a tensor that the architecture does not have; kIntegrity for what is not as the
/// manifest says; kIo if the file became shorter meanwhile.
ModelWeights bind_weights(const gguf::File& file, const Hparams& hparams, const BindOptions& options, ThreadPool& pool);

/// The weights' shapes and sizes, from the list of tensors alone: matrices are outlines, vectors are zeros. Checks what
/// bind_weights() checks of presence and shapes, and throws the same.
ModelWeights outline_weights(const gguf::File& file, const Hparams& hparams, const BindOptions& options);

}  // namespace pith::model
