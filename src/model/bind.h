#pragma once

#include <pith/manifest.h>

#include <functional>

#include "base/thread_pool.h"
#include "gguf/file.h"
#include "model/hparams.h"
#include "model/weights.h"

namespace pith::model {

/// The only place where a file's tensors and the packed weights meet. Checks every tensor's presence and shape against
/// the hyper-parameters, and all of the file against a manifest unless it is null. Throws Error: kFormat naming file,
/// tensor, shape and the shape wanted, kIntegrity for what is not as the manifest says.
ModelWeights bind_weights(const gguf::File& file, const Hparams& hparams, const Manifest* manifest, bool as_f32,
                          ThreadPool& pool, const std::function<void(double share)>& progress);

}  // namespace pith::model
