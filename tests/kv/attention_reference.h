#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include "kv/core/cache.h"
#include "kv/kv_shape.h"
#include "kv/read/attend.h"
#include "kv/write/append.h"

namespace pith::kv::test {

/// Random queries, keys and values of a whole sequence, row-major.
struct Sequence {
  std::size_t tokens;
  std::vector<float> queries;  ///< [tokens, heads * key_size]
  std::vector<float> keys;     ///< [tokens, kv_heads * key_size]
  std::vector<float> values;   ///< [tokens, kv_heads * value_size]

  Sequence(const KvShape& shape, std::size_t count, std::uint64_t seed) : tokens(count) {
    std::mt19937_64 engine(seed);
    std::normal_distribution<float> normal(0.0F, 1.0F);
    const auto fill = [&](std::size_t width) {
      std::vector<float> rows(tokens * width);
      for (float& x : rows) x = normal(engine);
      return rows;
    };
    queries = fill(shape.heads * shape.key_size);
    keys = fill(shape.kv_heads * shape.key_size);
    values = fill(shape.kv_heads * shape.value_size);
  }
};

/// What changes scores and their softmax.
struct Scoring {
  float softcap = 0.0F;              ///< 0: none.
  std::vector<float> sink_logits{};  ///< [heads]; empty: none.
};

/// Attention computed by its definition, in double.
inline std::vector<float> attend_naively(const KvShape& shape, const Sequence& s, std::size_t window, float scale,
                                         const Scoring& scoring = {}) {
  std::vector<float> out(s.tokens * shape.heads * shape.value_size);
  std::vector<double> weights(s.tokens);
  for (std::size_t m = 0; m < s.tokens; ++m) {
    for (std::size_t h = 0; h < shape.heads; ++h) {
      const std::size_t kv = h / shape.group();
      const std::size_t first = window != 0 && m + 1 > window ? m + 1 - window : 0;
      double sum = scoring.sink_logits.empty() ? 0.0 : std::exp(static_cast<double>(scoring.sink_logits[h]));
      for (std::size_t t = first; t <= m; ++t) {
        double score = 0;
        for (std::size_t i = 0; i < shape.key_size; ++i) {
          score += static_cast<double>(s.queries[(m * shape.heads + h) * shape.key_size + i]) *
                   static_cast<double>(s.keys[(t * shape.kv_heads + kv) * shape.key_size + i]);
        }
        score *= static_cast<double>(scale);
        const auto cap = static_cast<double>(scoring.softcap);
        if (cap != 0.0) score = cap * std::tanh(score / cap);
        weights[t] = std::exp(score);
        sum += weights[t];
      }
      for (std::size_t i = 0; i < shape.value_size; ++i) {
        double total = 0;
        for (std::size_t t = first; t <= m; ++t) {
          total += weights[t] * static_cast<double>(s.values[(t * shape.kv_heads + kv) * shape.value_size + i]);
        }
        out[(m * shape.heads + h) * shape.value_size + i] = static_cast<float>(total / sum);
      }
    }
  }
  return out;
}

/// Runs a batch of a sequence, from the first token that the cache does not have, through one layer. Writes the outputs
/// of all tokens [tokens of the sequence, heads * value_size] where they belong.
inline void attend_batch(Cache& cache, Staging& staging, Attention& attention, ThreadPool& pool, const Sequence& s,
                         std::size_t layer, std::size_t tokens, float scale, std::vector<float>& out,
                         const Scoring& scoring = {}) {
  const LayerShape& shape = cache.layer(layer).shape();
  const std::size_t position = cache.tokens();
  std::vector<float> qkv;
  const std::size_t query_width = shape.heads * shape.key_size;
  const std::size_t key_width = shape.kv_heads * shape.key_size;
  const std::size_t value_width = shape.kv_heads * shape.value_size;
  const std::size_t stride = query_width + key_width + value_width;
  for (std::size_t m = position; m < position + tokens; ++m) {
    const auto add = [&](const std::vector<float>& rows, std::size_t width) {
      qkv.insert(qkv.end(), rows.begin() + static_cast<long>(m * width),
                 rows.begin() + static_cast<long>((m + 1) * width));
    };
    add(s.queries, query_width);
    add(s.keys, key_width);
    add(s.values, value_width);
  }
  const float* key = qkv.data() + query_width;
  const Step step = {&cache, 0, tokens, position, tokens == 1};
  const std::span steps(&step, 1);
  append(steps, staging, pool, layer, {qkv.data(), key, key + key_width, stride, scale});
  const std::size_t out_width = shape.heads * shape.value_size;
  attention.run(steps, staging, pool, layer,
                {&s.queries[position * query_width], query_width, &out[position * out_width], out_width, scale,
                 scoring.softcap, scoring.sink_logits.empty() ? nullptr : scoring.sink_logits.data()});
  finish_append(steps, staging, layer);
}

/// Runs a sequence through every layer of a cache in batches, starting with the first token that the cache does not
/// have. Returns the output of layer `layer`.
inline std::vector<float> attend_in_batches(Cache& cache, const Sequence& s, const std::vector<std::size_t>& batches,
                                            int threads, float scale, std::size_t layer = 0,
                                            const Scoring& scoring = {}) {
  const LayerShape& shape = cache.layer(0).shape();
  ThreadPool pool(threads);
  const std::size_t batch_max = *std::max_element(batches.begin(), batches.end());
  Staging staging(ScratchLayout(cache), batch_max);
  Attention attention(ScratchLayout(cache), batch_max, pool.size());
  std::vector<float> out(s.tokens * shape.heads * shape.value_size);
  std::vector<float> scratch(out.size());
  for (std::size_t b = 0; cache.tokens() < s.tokens; ++b) {
    const std::size_t tokens = std::min(batches[b % batches.size()], s.tokens - cache.tokens());
    for (std::size_t l = 0; l < cache.layers().size(); ++l)
      attend_batch(cache, staging, attention, pool, s, l, tokens, scale, l == layer ? out : scratch, scoring);
    cache.set_tokens(cache.tokens() + tokens);
  }
  return out;
}

/// |got - expected| / |expected|
inline double relative_distance(const std::vector<float>& got, const std::vector<float>& expected) {
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double d = static_cast<double>(got[i]) - static_cast<double>(expected[i]);
    error += d * d;
    size += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  return std::sqrt(error / size);
}

}  // namespace pith::kv::test
