#include "model/arch/arch.h"

namespace pith::model {

/// Llama 1 to 3, Mistral, TinyLlama, SmolLM2 (Touvron et al., 2302.13971). Files store Q and K permuted for interleaved
/// pairs.
void adapt_llama(const gguf::File&, Hparams& hparams) { hparams.rope.pairs = RopePairs::kInterleaved; }

}  // namespace pith::model
