#include "kv/query_sums.h"

#include <algorithm>

namespace pith::kv {

void QuerySums::enable(const KvShape& shape) {
  kv_heads_ = shape.kv_heads;
  group_ = shape.group();
  size_ = shape.key_size;
  sums_.assign(shape.layers() * kv_heads_, {});
  for (std::size_t layer = 0; layer < shape.layers(); ++layer) {
    if (shape.windows[layer] != 0) continue;
    for (std::size_t h = 0; h < kv_heads_; ++h) {
      Sums& sums = sums_[layer * kv_heads_ + h];
      sums.first.resize(group_ * size_);
      sums.second.resize(group_ * size_ * size_);
    }
  }
}

void QuerySums::add(std::size_t layer, std::size_t kv_head, const float* queries, std::size_t position,
                    const Rotary& rotary) {
  Sums& sums = sums_[layer * kv_heads_ + kv_head];
  if (sums.first.empty()) return;
  std::vector<float> query(size_);
  for (std::size_t g = 0; g < group_; ++g) {
    std::copy_n(queries + g * size_, size_, query.begin());
    rotary.turn(query.data(), -static_cast<double>(position));
    for (std::size_t i = 0; i < size_; ++i) {
      sums.first[g * size_ + i] += query[i];
      float* row = &sums.second[(g * size_ + i) * size_];
      for (std::size_t j = 0; j <= i; ++j) row[j] += query[i] * query[j];
    }
  }
  ++sums.count;
}

QueryMoments QuerySums::moments(std::size_t layer, std::size_t kv_head, const Rotary& rotary) const {
  QueryMoments moments;
  if (!enabled()) return moments;
  const Sums& sums = sums_[layer * kv_heads_ + kv_head];
  const float share = 1.0F / static_cast<float>(std::max<std::size_t>(sums.count, 1));
  moments.mean = sums.first;
  for (float& x : moments.mean) x *= share;
  moments.covariance.resize(sums.second.size());
  for (std::size_t g = 0; g < group_; ++g) {
    const float* mean = &moments.mean[g * size_];
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const float value = sums.second[(g * size_ + i) * size_ + j] * share - mean[i] * mean[j];
        moments.covariance[(g * size_ + i) * size_ + j] = value;
        moments.covariance[(g * size_ + j) * size_ + i] = value;
      }
    }
  }
  moments.statistics = {sums.count, moments.mean, moments.covariance, rotary.view()};
  return moments;
}

void QuerySums::clear() {
  for (Sums& sums : sums_) {
    sums.count = 0;
    std::fill(sums.first.begin(), sums.first.end(), 0.0F);
    std::fill(sums.second.begin(), sums.second.end(), 0.0F);
  }
}

std::size_t QuerySums::bytes() const {
  std::size_t count = 0;
  for (const Sums& sums : sums_) count += sums.first.size() + sums.second.size();
  return count * sizeof(float);
}

}  // namespace pith::kv
