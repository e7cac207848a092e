#include "model/row_division.h"

#include <vector>

#include "kv/share/message.h"
#include "kv/share/topic.h"

namespace pith::model {
namespace {

std::span<const std::byte> bytes_of(const std::vector<float>& floats) { return std::as_bytes(std::span(floats)); }

}  // namespace

RowDivision::RowDivision(Ranks* ranks, std::span<const kv::Step> steps) : step_(steps.front()) {
  if (ranks == nullptr || steps.size() != 1 || step_.tokens < kRowsMin * ranks->count()) return;
  if (!step_.cache->states().empty() || !step_.cache->observers().list().empty() || step_.cache->keeps_query_sums())
    return;
  ranks_ = ranks;
}

std::size_t RowDivision::first(std::size_t rank) const {
  const std::size_t position = step_.position + step_.tokens * rank / ranks_->count();
  if (rank == 0 || rank == ranks_->count()) return position - step_.position;
  // At the edges of blocks, so that no block is computed in two halves.
  return (position + kv::kBlockTokens - 1) / kv::kBlockTokens * kv::kBlockTokens - step_.position;
}

kv::Step RowDivision::own_step() const {
  const std::size_t from = own_first();
  kv::Step own = step_;
  own.position += from;
  own.tokens = first(ranks_->rank() + 1) - from;
  return own;
}

kv::ProjectedRows RowDivision::all_rows(const AttentionSpec& spec, std::size_t layer, const kv::ProjectedRows& own,
                                        Buffer<float>& memory) const {
  const std::size_t keys = spec.key_rows();
  const std::size_t values = spec.value_rows();
  // The keys' basis is made of the queries of the first page.
  const auto queries_of = [&](std::size_t row) {
    return step_.position + row < kv::kPageTokens ? spec.query_rows() : std::size_t{0};
  };
  std::vector<float> mine;
  const kv::Step part = own_step();
  mine.reserve(part.tokens * (keys + values));
  for (std::size_t m = 0; m < part.tokens; ++m) {
    const auto add = [&](const float* rows, std::size_t count) {
      mine.insert(mine.end(), rows + m * own.stride, rows + m * own.stride + count);
    };
    add(own.queries, queries_of(own_first() + m));
    add(own.keys, keys);
    add(own.values, values);
  }
  const auto said = ranks_->exchange(kv::topic(kv::Topic::kRows, layer, step_.position), bytes_of(mine));
  if (memory.size() < step_.tokens * own.stride) memory = Buffer<float>(step_.tokens * own.stride);
  float* const to_queries = memory.data();
  float* const to_keys = to_queries + (own.keys - own.queries);
  float* const to_values = to_queries + (own.values - own.queries);
  for (std::size_t rank = 0; rank < ranks_->count(); ++rank) {
    kv::RankMessage reader(said[rank], rank, "keys and values");
    for (std::size_t m = first(rank); m < first(rank + 1); ++m) {
      reader.read(to_queries + m * own.stride, queries_of(m));
      reader.read(to_keys + m * own.stride, keys);
      reader.read(to_values + m * own.stride, values);
    }
    reader.end();
  }
  return {to_queries, to_keys, to_values, own.stride, own.scale};
}

void RowDivision::all_hidden(float* rows, std::size_t columns, std::size_t stride) const {
  std::vector<float> mine;
  const std::size_t count = own_step().tokens;
  mine.reserve(count * columns);
  for (std::size_t m = 0; m < count; ++m) mine.insert(mine.end(), rows + m * stride, rows + m * stride + columns);
  const auto said = ranks_->exchange(kv::topic(kv::Topic::kHidden, 0, step_.position), bytes_of(mine));
  for (std::size_t rank = 0; rank < ranks_->count(); ++rank) {
    kv::RankMessage reader(said[rank], rank, "hidden states");
    for (std::size_t m = first(rank); m < first(rank + 1); ++m) reader.read(rows + m * stride, columns);
    reader.end();
  }
}

}  // namespace pith::model
