#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <vector>

#include "kv/layout.h"
#include "kv/rotary.h"

namespace pith::kv {

/// Mean and covariance of the queries behind each KV head, taken back to position 0, and what QueryStatistics views.
struct QueryMoments {
  std::vector<float> mean;        ///< [group, key_size]
  std::vector<float> covariance;  ///< [group, key_size, key_size]
  QueryStatistics statistics;
};

/// Sums of queries and of their products, for policies that expect what queries will come. Empty until enabled. Heads
/// may be added to from several threads.
class QuerySums {
 public:
  void enable(const KvShape& shape);
  bool enabled() const { return !sums_.empty(); }
  /// Query rows [group, key_size] at a position.
  void add(std::size_t layer, std::size_t kv_head, const float* queries, std::size_t position, const Rotary& rotary);
  QueryMoments moments(std::size_t layer, std::size_t kv_head, const Rotary& rotary) const;
  void clear();
  std::size_t bytes() const;

  /// All that was summed of a head, member by member, for who saves or restores it; vectors keep their sizes.
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
    std::vector<float> second;  ///< [group, key_size, key_size], of which the lower triangle
  };

  std::size_t kv_heads_ = 0;
  std::size_t group_ = 0;
  std::size_t size_ = 0;
  std::vector<Sums> sums_;  ///< [layers, kv_heads]; empty in layers with a window
};

}  // namespace pith::kv
