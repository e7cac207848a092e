#pragma once

#include <cstddef>

#include "base/buffer.h"
#include "kv/core/softmax_state.h"
#include "kv/read/attend_buffers.h"
#include "kv/read/attend_queries.h"
#include "kv/read/chunk_view.h"
#include "kv/read/step_reading.h"

namespace pith::kv {

/// One thread's part in attention: its buffers, and the attention of a block over a chunk.
class AttendWorker {
 public:
  explicit AttendWorker(const ScratchLayout& layout);

  std::size_t bytes() const;

  /// Computes the softmax state of a block over one chunk alone, on the bytes of the cache. `observed` receives the
  /// scores of all cells [cells, rows, kPageTokens], or is null. `softcap` is in base 2, like scores; 0: none.
  void attend_chunk(const StepReading& reading, const AttendBlock& block, const BlockQueries& queries,
                    std::size_t chunk, const SoftmaxRows& state, float* observed, float softcap);

  /// Returns buffers for a state over a chunk, a stripe, and everything.
  SoftmaxRows chunk(std::size_t rows, std::size_t size) const { return states_.rows(0, rows, size); }
  SoftmaxRows stripe(std::size_t rows, std::size_t size) const { return states_.rows(1, rows, size); }
  SoftmaxRows total(std::size_t rows, std::size_t size) const { return states_.rows(2, rows, size); }
  /// Returns a buffer for what a block observes.
  float* observed(std::size_t count);

 private:
  static constexpr std::size_t kStates = 3;

  /// What a chunk's state is computed into, and how.
  struct Target {
    const SoftmaxRows& state;
    float* observed;
    float softcap;
  };

  ChunkView view(const Head& head, const QueryBlock& block, const Target& target);
  void attend_own(const StepReading& reading, const AttendBlock& block, const BlockQueries& queries, std::size_t chunk,
                  const Target& target);
  void attend_borrowed(const StepReading& reading, const AttendBlock& block, const BlockQueries& queries,
                       std::size_t chunk, const Target& target);

  Buffer<float> scores_;  ///< [rows, kPageTokens]
  SplitBuffers weights_;
  Buffer<float> row_add_, row_shrink_;
  Buffer<kernels::TokenRange> ranges_;
  RowsBuffers states_;
  Buffer<float> observed_;  ///< [cells, rows, kPageTokens]; empty until something is observed
  TurnedQueries turned_;
};

}  // namespace pith::kv
