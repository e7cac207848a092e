#include "kv/codec/wrapped_codec.h"

namespace pith::kv {

void WrappedCodec::score_rows(const Queries& queries, const std::byte* page, float* scores, const PageScratch&) const {
  codec_->score({queries.values, queries.rows * queries.size}, {page, page_bytes()},
                {scores, queries.rows * kPageTokens});
}

void WrappedCodec::accumulate_rows(const kernels::SoftmaxStep& step, const std::byte* page, const PageScratch&) const {
  kernels_->softmax_rows(step);
  codec_->accumulate({step.scores, step.rows * kPageTokens}, {page, page_bytes()},
                     {step.out, step.rows * shape().size});
}

}  // namespace pith::kv
