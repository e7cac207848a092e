#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/cache.h"

namespace pith::kv {

/// Sparse reading: which pages of a KV head the queries of one token read. Buffers of one head: one owner at a time.
class PageChoice {
 public:
  /// Of `slots` slots before page `own_page`, those to read, in rising order. Pages are what the head holds, the open
  /// one and recent ones included: these are always read, and count. Of the others those go first of which the queries
  /// [group, key_size], scaled as for softmax in base 2, expect the most together; of equal ones the older.
  const std::vector<std::uint32_t>& choose(const Cache& cache, std::size_t layer, std::size_t kv_head,
                                           const float* queries, std::size_t slots, std::size_t own_page);

 private:
  /// What is read in any case, and the candidates. Returns the number of the former.
  std::size_t list(const Cache& cache, std::size_t layer, const HeadSlots& head, std::size_t slots,
                   std::size_t own_page);
  void score(const Cache& cache, std::size_t layer, std::size_t kv_head, const float* queries);

  std::vector<std::uint8_t> read_;         ///< [slots]
  std::vector<float> outside_;             ///< [room]: 0 of candidates, minus infinity of others
  std::vector<std::uint64_t> candidates_;  ///< Slots, and once they have scores numbers that rank them.
  std::vector<float> split_;               ///< [group, 2 * key_size]
  std::vector<float> reached_;             ///< [group, room], then its softmax over candidates
  std::vector<float> references_, sums_;   ///< [group]
  std::vector<float> scores_;              ///< [room]
  std::vector<std::uint32_t> chosen_;
};

}  // namespace pith::kv
