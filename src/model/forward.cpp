#include "model/forward.h"

#include "kv/write/append.h"
#include "model/attention_block.h"
#include "model/feed_forward_block.h"
#include "model/layer_embedding_block.h"
#include "model/recurrent_block.h"
#include "model/residual_stream.h"

namespace pith::model {
namespace {

/// Runs what comes first in a layer: attention, or what stands in its place.
template <typename Block>
Addition mix(const ResidualStream& stream, const Norm& norm, const Pending& before, const Block& block) {
  return block.run(stream.normed(norm, before, block.readers()));
}

/// Runs the blocks of a layer, whose input is complete once `before` is added, and returns what is to be added to its
/// output.
Pending run_blocks(const Pass& pass, std::size_t layer, const Pending& before) {
  const LayerSpec& spec = pass.spec.layers[layer];
  const LayerWeights& w = pass.weights.layers[layer];
  Buffers& buffers = pass.workspace.buffers;
  const ResidualStream stream(pass);
  const FeedForwardBlock feed_forward(pass, layer);
  const Norm attention_norm(spec.attention_norm, w.attention_norm);
  const Norm feed_forward_norm(spec.feed_forward_norm, w.feed_forward_norm);

  if (!spec.attention.present() && !spec.recurrent.present()) {
    const kernels::Activations x = stream.normed(feed_forward_norm, before, feed_forward.readers());
    return {.feed_forward = feed_forward.run(x, buffers.projected)};
  }
  const Addition attended = spec.recurrent.present() ? mix(stream, attention_norm, before, RecurrentBlock(pass, layer))
                                                     : mix(stream, attention_norm, before, AttentionBlock(pass, layer));
  if (!spec.feed_forward.present()) return {.attention = attended};
  if (spec.residual == Residual::kSerial) {
    const kernels::Activations x = stream.normed(feed_forward_norm, {.attention = attended}, feed_forward.readers());
    return {.feed_forward = feed_forward.run(x, buffers.projected)};
  }
  const kernels::Activations x = feed_forward_norm.present()
                                     ? stream.normed(feed_forward_norm, Pending{}, feed_forward.readers())
                                     : stream.normed_again(feed_forward.readers());
  return {.attention = attended, .feed_forward = feed_forward.run(x, buffers.projected_beside)};
}

/// Runs one layer, its own embeddings included.
Pending run_layer(const Pass& pass, std::size_t layer, const Pending& before) {
  Pending after = run_blocks(pass, layer, before);
  if (pass.spec.layer_embedding.present()) {
    const LayerEmbeddingBlock embedding(pass, layer);
    after = {.feed_forward = embedding.run(ResidualStream(pass).normed(no_norm(), after, embedding.readers()))};
  }
  if (pass.spec.layers[layer].output_scale) after.scale = pass.weights.layers[layer].output_scale.front();
  return after;
}

}  // namespace

void forward(const Pass& pass) {
  for (Rope& rope : pass.workspace.ropes) {
    for (const kv::Step& step : pass.steps) rope.prepare(step.row, step.position, step.tokens);
  }
  pass.workspace.states.begin(pass.steps);
  Pending pending{.embeddings = true};
  if (pass.spec.layer_embedding.present()) {
    make_layer_embeddings(pass, ResidualStream(pass).normed(no_norm(), pending, layer_embedding_readers(pass)));
    pending = {};
  }
  for (std::size_t layer = 0; layer < pass.spec.layers.size(); ++layer) pending = run_layer(pass, layer, pending);
  ResidualStream(pass).add(pending);
  for (const std::size_t layer : pass.workspace.stagings.lenders())
    kv::finish_append(pass.whole_steps, pass.workspace.stagings.of(layer), pass.spec.cache_layer(layer));
  pass.workspace.states.commit(pass.steps);
  for (const kv::Step& step : pass.whole_steps) step.cache->set_tokens(step.end());
}

}  // namespace pith::model
