#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <vector>

#include "kv/core/rotary.h"

namespace pith::kv {

/// Mean and covariance of the queries of a KV head's group, rotated back to position 0, with the view that policies
/// get.
struct QueryMoments {
  std::vector<float> mean;        ///< [group, key_size]
  std::vector<float> covariance;  ///< [group, key_size, key_size]
  QueryStatistics statistics;
};

/// Sums of one KV head's queries and of their products, for policies that predict future queries.
class QuerySums {
 public:
  /// Makes empty sums, to which nothing may be added.
  QuerySums() = default;
  QuerySums(std::size_t group, std::size_t key_size);

  bool empty() const { return first_.empty(); }
  /// Adds query rows [group, key_size] at a position.
  void add(const float* queries, std::size_t position, const Rotary& rotary);
  QueryMoments moments(const Rotary& rotary) const;
  std::size_t bytes() const { return (first_.size() + second_.size()) * sizeof(float); }

  /// Calls member(x) for each sum, to save or restore them; vectors keep their sizes.
  static void visit(auto& sums, auto&& member) {
    member(sums.count_);
    member(sums.first_);
    member(sums.second_);
  }

 private:
  std::size_t group_ = 0;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
  std::vector<float> first_;   ///< [group, key_size]
  std::vector<float> second_;  ///< [group, key_size, key_size], lower triangle only
};

}  // namespace pith::kv
