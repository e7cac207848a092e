#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

/// Norms of the sums after both blocks, and of the embeddings, which have one more for the kind of text.
void use_post_norms(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  const NormSpec norm = {.kind = NormKind::kLayer, .epsilon = keys.norm_epsilon(false), .bias = true};
  spec.output_norm = {};
  spec.embedding_norm = norm;
  if (const gguf::TensorInfo* types = file.find("token_types.weight")) spec.token_types = types->rows();
  for (LayerSpec& layer : spec.layers) {
    layer.attention_sum_norm = norm;
    layer.feed_forward_sum_norm = norm;
  }
}

void adapt_bert(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  use_post_norms(file, keys, spec);
  spec.learned_positions = spec.context_trained;
  without_rope(spec);
}

}  // namespace

/// Encoders with norms after their blocks (1810.04805): BERT and its kind (bge, e5, MiniLM, gte), whose positions are
/// learned, and Nomic's (2402.01613) with RoPE and gates.
std::span<const Architecture> bert_family() {
  static constexpr std::array kFamily = {
      Architecture{"bert",
                   {.norm = NormKind::kLayer,
                    .pre_norms = false,
                    .activation = Activation::kGelu,
                    .gated = false,
                    .both_ways = true},
                   adapt_bert},
      Architecture{"nomic-bert", {.norm = NormKind::kLayer, .pre_norms = false, .both_ways = true}, use_post_norms},
  };
  return kFamily;
}

}  // namespace pith::model
