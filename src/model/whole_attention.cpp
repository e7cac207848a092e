#include "model/whole_attention.h"

#include <algorithm>
#include <limits>
#include <numbers>
#include <vector>

namespace pith::model {
namespace {

using kernels::kLanes;

/// Queries that are computed at once.
constexpr std::size_t kQueries = 24;

/// The keys and values of one KV head of a text, as kernels read them.
struct HeadTiles {
  const float* keys;    ///< [tokens / 16][key_size][16 tokens]
  const float* values;  ///< [value_size / 16][tokens][16 elements]
};

/// One text on its way through one layer.
class Text {
 public:
  Text(const Pass& pass, const AttentionSpec& spec, const CacheRows& rows, const kv::Step& step)
      : pass_(pass),
        spec_(spec),
        rows_(rows),
        step_(step),
        length_(padded(step.tokens)),
        keys_(spec.kv_heads * length_ * spec.key_size),
        values_(spec.kv_heads * length_ * spec.value_size) {}

  void run() const {
    pass_.pool.run(spec_.kv_heads, [&](std::size_t head) { lay_out(head); });
    const std::size_t blocks = (step_.tokens + kQueries - 1) / kQueries;
    pass_.pool.run(spec_.heads * blocks, [&](std::size_t task) { attend(task / blocks, task % blocks * kQueries); });
  }

 private:
  HeadTiles tiles(std::size_t kv_head) const {
    return {&keys_[kv_head * length_ * spec_.key_size], &values_[kv_head * length_ * spec_.value_size]};
  }

  void lay_out(std::size_t head) const {
    float* keys = &keys_[head * length_ * spec_.key_size];
    float* values = &values_[head * length_ * spec_.value_size];
    for (std::size_t t = 0; t < step_.tokens; ++t) {
      const std::size_t row = (step_.row + t) * rows_.stride;
      const float* key = rows_.key + row + head * spec_.key_size;
      const float* value = rows_.value + row + head * spec_.value_size;
      for (std::size_t i = 0; i < spec_.key_size; ++i)
        keys[(t / kLanes * spec_.key_size + i) * kLanes + t % kLanes] = key[i];
      for (std::size_t i = 0; i < spec_.value_size; ++i)
        values[(i / kLanes * length_ + t) * kLanes + i % kLanes] = value[i];
    }
  }

  kernels::TokenRange seen_by(std::size_t token) const {
    if (spec_.window == 0) return {0, step_.tokens};
    const std::size_t half = spec_.window / 2;
    return {token - std::min(token, half), std::min(step_.tokens, token + half + 1)};
  }

  /// Computes the outputs of some tokens from `first` on.
  void attend(std::size_t head, std::size_t first) const {
    const std::size_t count = std::min(kQueries, step_.tokens - first);
    const HeadTiles of_head = tiles(head / (spec_.heads / spec_.kv_heads));
    const std::size_t key_size = spec_.key_size;
    const std::size_t value_size = spec_.value_size;
    std::vector<float> queries(count * key_size);
    std::vector<float> scores(count * length_);
    std::vector<float> out(count * value_size);
    std::vector<float> references(count, -std::numeric_limits<float>::infinity());
    std::vector<float> sums(count, 0.0F);
    std::vector<kernels::TokenRange> ranges(count);
    for (std::size_t m = 0; m < count; ++m) {
      const float* query = rows_.query + (step_.row + first + m) * rows_.stride + head * key_size;
      // Scores are in base 2.
      for (std::size_t i = 0; i < key_size; ++i)
        queries[m * key_size + i] = query[i] * (spec_.scale * std::numbers::log2e_v<float>);
      ranges[m] = seen_by(first + m);
    }
    pass_.k.dot_f32({of_head.keys, length_ / kLanes, key_size * kLanes * sizeof(float)},
                    {queries.data(), key_size, count, key_size}, scores.data(), length_, false);
    pass_.k.softmax_rows({scores.data(), length_, count, length_, ranges.data(), references.data(), sums.data(),
                          out.data(), value_size});
    pass_.k.dot_f32({of_head.values, value_size / kLanes, length_ * kLanes * sizeof(float)},
                    {scores.data(), length_, count, length_}, out.data(), value_size, true);
    const std::size_t stride = padded(spec_.output_columns());
    for (std::size_t m = 0; m < count; ++m) {
      float* to = &pass_.workspace.buffers.attention[(step_.row + first + m) * stride + head * value_size];
      for (std::size_t i = 0; i < value_size; ++i) to[i] = out[m * value_size + i] / sums[m];
    }
  }

  const Pass& pass_;
  const AttentionSpec& spec_;
  const CacheRows& rows_;
  const kv::Step& step_;
  std::size_t length_;  ///< Tokens in whole tiles.
  Buffer<float> keys_, values_;
};

}  // namespace

void attend_whole(const Pass& pass, const AttentionSpec& spec, const CacheRows& rows) {
  for (const kv::Step& step : pass.steps) Text(pass, spec, rows, step).run();
}

}  // namespace pith::model
