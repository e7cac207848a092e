#pragma once

#include <pith/tokenizer.h>

#include "io/digest.h"
#include "model/spec.h"
#include "model/weights.h"

namespace pith::model {

/// Identifies the model that a cache came from.
struct Fingerprint {
  /// Digest of hyper-parameters, vocabulary and weights as they are multiplied. The same on every machine for the same
  /// file and arithmetic.
  io::Digest model{};
  /// Digest of how positions rotate vectors (RoPE), and of which tokens each layer sees.
  io::Digest positions{};
};

/// Digests every field of the spec and the weights. Reads all weights once: about a second per ten gigabytes.
Fingerprint fingerprint(const ModelSpec& spec, const Tokenizer& tokenizer, const ModelWeights& weights);

/// The fingerprint as snapshots of versions 1 and 2 have it.
Fingerprint first_fingerprint(const ModelSpec& spec, const Tokenizer& tokenizer, const ModelWeights& weights);

}  // namespace pith::model
