#pragma once

#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "kv/core/step.h"
#include "kv/write/staging.h"

namespace pith::kv {

/// The rows of a pass in one layer: queries [rows, heads * key_size], keys [rows, kv_heads * key_size] and values
/// [rows, kv_heads * value_size], `stride` floats from row to row.
struct ProjectedRows {
  const float* queries = nullptr;
  const float* keys = nullptr;
  const float* values = nullptr;
  std::size_t stride = 0;
  float scale = 1.0F;  ///< Multiplies the scores.
};

/// Writes the steps' keys and values into the staging pages, seals every page that became full, and encodes pages that
/// became old in their final form. Attention comes next, then finish_append().
void append(std::span<const Step> steps, Staging& staging, ThreadPool& pool, std::size_t layer,
            const ProjectedRows& rows);

/// Copies the unfinished pages into the caches and drops what no later query of this layer can see.
void finish_append(std::span<const Step> steps, const Staging& staging, std::size_t layer);

}  // namespace pith::kv
