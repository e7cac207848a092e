#pragma once

#include <pith/tokenizer.h>

#include "model/hparams.h"
#include "model/weights.h"
#include "snapshot/digest.h"

namespace pith::model {

/// Identifies the model that a cache came from.
struct Fingerprint {
  /// Digest of hyper-parameters, vocabulary and weights as they are multiplied. The same on every machine for the same
  /// file and arithmetic.
  snapshot::Digest model{};
  /// Digest of how positions rotate vectors (RoPE), and of which tokens each layer sees.
  snapshot::Digest positions{};
};

/// Reads all weights once: about a second per ten gigabytes.
Fingerprint fingerprint(const Hparams& hparams, const Tokenizer& tokenizer, const ModelWeights& weights);

}  // namespace pith::model
