#include "kv/codec/wrapped_codec.h"

namespace pith::kv {

void WrappedCodec::score_rows(const Queries& queries, const std::byte* page, float* scores,
                              const ProbabilityScratch&) const {
  codec_->score({queries.values, queries.rows * queries.size}, {page, page_bytes()},
                {scores, queries.rows * kPageTokens});
}

void WrappedCodec::accumulate_rows(const float* probabilities, std::size_t rows, const std::byte* page, float* out,
                                   const ProbabilityScratch&) const {
  codec_->accumulate({probabilities, rows * kPageTokens}, {page, page_bytes()}, {out, rows * shape().size});
}

}  // namespace pith::kv
