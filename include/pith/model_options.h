#pragma once

#include <pith/export.h>
#include <pith/log.h>
#include <pith/progress.h>
#include <pith/threads.h>

#include <memory>

namespace pith::inline v0_1 {

struct Manifest;

/// How matrices are multiplied.
enum class Arithmetic {
  kFast,  ///< Weights as stored, activations quantized to int8 in groups of 32 where the weights are quantized.
  kF32,   ///< Weights expanded to float32 at load, float32 activations: the reference path. Takes 4 bytes per weight.
};

/// How a model is loaded.
struct ModelOptions {
  Arithmetic arithmetic = Arithmetic::kFast;
  /// Threads that pack the weights at load, and that the model's sessions share; 0: one for each processor that the
  /// process may use (WorkerPool::processors()).
  int threads = 0;
  /// Instead: threads of yours, which other models may use as well. `threads` is 0 then.
  std::shared_ptr<const WorkerPool> workers{};
  /// What the model must be (read_manifest()): every key and every tensor's bytes are compared before anything is
  /// handed out, in memory that nobody else can write to. Null: whatever the file says.
  std::shared_ptr<const Manifest> manifest{};
  /// Whether weights are looked through for NaN and infinities while they are packed, in numbers that stand alone and
  /// in the scales of blocks: Model::load() then refuses a damaged file, naming tensor, row, column and value. Without
  /// it such a model may load, and generating from it ends in Error(kNumeric). Costs a few hundredths of a load, a
  /// tenth of its processor time at most.
  bool check_weights = true;
  /// Silent when empty.
  LogSink log{};
  ProgressSink progress{};
};

}  // namespace pith::inline v0_1
