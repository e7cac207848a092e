#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/core/cache_options.h"
#include "kv/core/head.h"

namespace pith::kv {

/// Sparse reading: chooses the pages of a KV head that the queries of one token read. Holds the buffers of one head.
/// One owner at a time.
class PageChoice {
 public:
  /// Returns which of the `slots` slots before page `own_page` to read, in ascending order. The share counts all pages
  /// that the head holds, including the open page and recent ones, which are always read. Of the others those are read
  /// whose expected softmax weight, summed over the queries [group, key_size] (scaled for softmax in base 2), is
  /// largest; of equal ones the older.
  const std::vector<std::uint32_t>& choose(const SparseReading& sparse, const Head& head, const float* queries,
                                           std::size_t slots, std::size_t own_page);

 private:
  /// Lists what is always read and the candidates. Returns the number of the former.
  std::size_t list(const Head& head, std::size_t slots, std::size_t own_page);
  void score(const Head& head, const float* queries);

  std::vector<std::uint8_t> read_;         ///< [slots]
  std::vector<float> outside_;             ///< [room]: 0 for candidates, minus infinity for others
  std::vector<std::uint64_t> candidates_;  ///< Slots; once scored, sort keys (order_of())
  std::vector<float> split_;               ///< [group, 2 * key_size]
  std::vector<float> reached_;             ///< [group, room], then its softmax over candidates
  std::vector<float> references_, sums_;   ///< [group]
  std::vector<float> scores_;              ///< [room]
  std::vector<std::uint32_t> chosen_;
};

}  // namespace pith::kv
