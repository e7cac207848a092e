#include "model/arch/arch.h"

namespace pith::model {

/// Qwen 2 and 2.5 (2407.10671): biases on Q, K and V.
void adapt_qwen2(const gguf::File&, Hparams& hparams) {
  hparams.rope.pairs = RopePairs::kHalfSplit;
  hparams.attention_bias_required = true;
}

}  // namespace pith::model
