#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <vector>

#include "kv/layout.h"
#include "kv/rotary.h"

namespace pith::kv {

/// Mean and covariance of the queries of a KV head's group, rotated back to position 0, with the view that policies
/// get.
struct QueryMoments {
  std::vector<float> mean;        ///< [group, key_size]
  std::vector<float> covariance;  ///< [group, key_size, key_size]
  QueryStatistics statistics;
};

/// Sums of queries and of their products, for policies that predict future queries. Empty until enabled. Different
/// heads may be added to from several threads.
class QuerySums {
 public:
  void enable(const KvShape& shape);
  bool enabled() const { return !sums_.empty(); }
  /// Adds query rows [group, key_size] at a position.
  void add(std::size_t layer, std::size_t kv_head, const float* queries, std::size_t position, const Rotary& rotary);
  QueryMoments moments(std::size_t layer, std::size_t kv_head, const Rotary& rotary) const;
  void clear();
  std::size_t bytes() const;

  /// Calls member(x) for each sum of a head, to save or restore them; vectors keep their sizes.
  static void visit(auto& sums, std::size_t layer, std::size_t kv_head, auto&& member) {
    auto& head = sums.sums_[layer * sums.kv_heads_ + kv_head];
    member(head.count);
    member(head.first);
    member(head.second);
  }

 private:
  struct Sums {
    std::size_t count = 0;
    std::vector<float> first;   ///< [group, key_size]
    std::vector<float> second;  ///< [group, key_size, key_size], lower triangle only
  };

  std::size_t kv_heads_ = 0;
  std::size_t group_ = 0;
  std::size_t size_ = 0;
  std::vector<Sums> sums_;  ///< [layers, kv_heads]; empty in layers with a window
};

}  // namespace pith::kv
