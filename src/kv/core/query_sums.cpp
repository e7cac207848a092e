#include "kv/core/query_sums.h"

#include <algorithm>

namespace pith::kv {

QuerySums::QuerySums(std::size_t group, std::size_t key_size)
    : group_(group), size_(key_size), first_(group * key_size), second_(group * key_size * key_size) {}

void QuerySums::add(const float* queries, std::size_t position, const Rotary& rotary) {
  std::vector<float> query(size_);
  for (std::size_t g = 0; g < group_; ++g) {
    std::copy_n(queries + g * size_, size_, query.begin());
    rotary.turn(query.data(), -static_cast<double>(position));
    for (std::size_t i = 0; i < size_; ++i) {
      first_[g * size_ + i] += query[i];
      float* row = &second_[(g * size_ + i) * size_];
      for (std::size_t j = 0; j <= i; ++j) row[j] += query[i] * query[j];
    }
  }
  ++count_;
}

QueryMoments QuerySums::moments(const Rotary& rotary) const {
  QueryMoments moments;
  if (empty()) return moments;
  const float share = 1.0F / static_cast<float>(std::max<std::size_t>(count_, 1));
  moments.mean = first_;
  for (float& x : moments.mean) x *= share;
  moments.covariance.resize(second_.size());
  for (std::size_t g = 0; g < group_; ++g) {
    const float* mean = &moments.mean[g * size_];
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const float value = second_[(g * size_ + i) * size_ + j] * share - mean[i] * mean[j];
        moments.covariance[(g * size_ + i) * size_ + j] = value;
        moments.covariance[(g * size_ + j) * size_ + i] = value;
      }
    }
  }
  moments.statistics = {count_, moments.mean, moments.covariance, rotary.view()};
  return moments;
}

}  // namespace pith::kv
