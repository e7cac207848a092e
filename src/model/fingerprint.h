#pragma once

#include <pith/tokenizer.h>

#include "model/hparams.h"
#include "model/weights.h"
#include "snapshot/digest.h"

namespace pith::model {

/// What makes a model the one that a cache came from.
struct Fingerprint {
  /// Of hyper-parameters, vocabulary and weights as they are multiplied: the same for the same file and arithmetic on
  /// every machine.
  snapshot::Digest model{};
  /// Of how positions turn vectors (RoPE), and of what each layer sees.
  snapshot::Digest positions{};
};

/// Reads all weights once: a second for some ten gigabytes.
Fingerprint fingerprint(const Hparams& hparams, const Tokenizer& tokenizer, const ModelWeights& weights);

}  // namespace pith::model
