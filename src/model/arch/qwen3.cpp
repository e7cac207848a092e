#include "model/arch/arch.h"

namespace pith::model {

/// Qwen 3 (2505.09388): each head's query and key are RMS-normalized before RoPE.
void adapt_qwen3(const gguf::File&, Hparams& hparams) {
  hparams.rope.pairs = RopePairs::kHalfSplit;
  hparams.query_key_norm = true;
}

}  // namespace pith::model
