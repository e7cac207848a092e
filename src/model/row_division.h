#pragma once

#include <pith/ranks.h>

#include <cstddef>
#include <span>

#include "kv/core/step.h"
#include "kv/write/append.h"
#include "model/spec.h"
#include "model/workspace.h"

namespace pith::model {

/// How ranks divide the rows of a pass among themselves: each computes what is done by row for some of them and tells
/// the others the keys and values, since all of them write pages.
class RowDivision {
 public:
  /// Rows per rank below which a pass is not divided.
  static constexpr std::size_t kRowsMin = kv::kBlockTokens;

  /// Not divided.
  RowDivision() = default;
  /// `steps` are those of the pass. Divides a prompt of one sequence, unless something needs all rows in one place:
  /// recurrent layers, whatever is gathered for policies.
  RowDivision(Ranks* ranks, std::span<const kv::Step> steps);

  bool divided() const { return ranks_ != nullptr; }
  /// Returns the part of the pass's step that this rank computes.
  kv::Step own_step() const;
  std::size_t own_first() const { return first(ranks_->rank()); }

  /// Exchanges the keys and values of a layer, and the queries of the first page, and returns those of all rows.
  /// `own` are the rows of own_step(), keys beside queries and values beside keys.
  kv::ProjectedRows all_rows(const AttentionSpec& spec, std::size_t layer, const kv::ProjectedRows& own,
                             Buffer<float>& memory) const;
  /// Exchanges the rows [own rows, columns] at the front of `rows`, and puts those of all ranks there.
  void all_hidden(float* rows, std::size_t columns, std::size_t stride) const;

 private:
  /// Returns the first row of a rank; of count(): the number of rows.
  std::size_t first(std::size_t rank) const;

  Ranks* ranks_ = nullptr;
  kv::Step step_;
};

}  // namespace pith::model
