#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "kernels/random_rows.h"
#include "kernels/select.h"
#include "kv/codec/codec.h"

namespace pith::fuzz {

/// Reads pages as attention does: on their bytes, with the kernels of this machine.
class PageReader {
 public:
  explicit PageReader(const kv::Codec& codec) : codec_(codec) {}

  /// scores [queries, kPageTokens]
  std::vector<float> scores(std::span<const float> queries, std::span<const std::byte> page) {
    const std::size_t size = codec_.shape().size;
    const std::size_t rows = queries.size() / size;
    kernels::test::SplitMemory split(rows, size);
    kernels::select_kernels().quantize_int16_rows(queries.data(), size, rows, size, split.planes());
    std::vector<float> scores(rows * kv::kPageTokens);
    codec_.score_rows({queries.data(), split.view(), rows, size}, page.data(), scores.data(), scratch());
    return scores;
  }

  /// Returns the value of a token, as a softmax over it alone gives it.
  std::vector<float> value(std::span<const std::byte> page, std::size_t token) {
    const std::size_t size = codec_.shape().size;
    std::vector<float> scores(kv::kPageTokens, 1.0F);
    const kernels::TokenRange only = {token, token + 1};
    float reference = -std::numeric_limits<float>::infinity();
    float sum = 0.0F;
    std::vector<float> out(size, 0.0F);
    codec_.accumulate_rows(
        {scores.data(), kv::kPageTokens, 1, kv::kPageTokens, &only, &reference, &sum, out.data(), size}, page.data(),
        scratch());
    for (float& x : out) x /= sum;
    return out;
  }

 private:
  kv::PageScratch scratch() { return {weights_.planes(), row_add_.data(), row_shrink_.data()}; }

  const kv::Codec& codec_;
  kernels::test::SplitMemory weights_{kernels::kSplitRows, kv::kPageTokens};
  std::array<float, kernels::kSplitRows> row_add_{};
  std::array<float, kernels::kSplitRows> row_shrink_{};
};

}  // namespace pith::fuzz
