#pragma once

#include <pith/export.h>
#include <pith/log.h>
#include <pith/progress.h>
#include <pith/ranks.h>
#include <pith/threads.h>

#include <filesystem>
#include <memory>
#include <vector>

namespace pith::inline v0_1 {

struct Manifest;

/// How matrices are multiplied.
enum class Arithmetic {
  kFast,  ///< Weights as stored, activations quantized to int8 in groups of 32 where the weights are quantized.
  kF32,   ///< Weights expanded to float32 at load, float32 activations: the reference path. Takes 4 bytes per weight.
};

/// How RoPE is stretched over more positions than the model was trained for. Factors of frequencies that a file holds
/// as a tensor (Llama 3) stay.
enum class RopeStretch {
  kFile,    ///< As the file says.
  kNone,    ///< Not at all, whatever the file's keys say.
  kLinear,  ///< Positions are divided by the factor (Chen et al., 2306.15595).
  kNtk,     ///< The base grows by factor^(d / (d - 2)) for d rotated elements, so that fast pairs hardly change.
  kYarn,    ///< Slow pairs are divided by the factor, fast ones left alone (Peng et al., 2309.00071).
};

/// What the caller says of RoPE in place of the file. Changes all layers without a window, and those whose windowed
/// layers share their RoPE.
struct RopeOptions {
  RopeStretch stretch = RopeStretch::kFile;
  /// By how much the context grows; with RopeStretch::kFile the file's factor holds, and this must be 1.
  double factor = 1.0;
  /// The base of the frequencies; 0: the file's.
  double base = 0.0;
  /// The context that the model will be used for, for files that have frequencies for short and for long ones
  /// (LongRoPE, Ding et al., 2402.13753); 0: the trained one.
  int context = 0;

  bool operator==(const RopeOptions&) const = default;
};

/// A LoRA adapter (Hu et al., 2106.09685): a GGUF file as llama.cpp's converter of adapters writes it. A matrix W
/// that it has a pair for becomes W + scale * alpha / rank * B A, with W as stored and B A in float32: nothing is
/// quantized anew.
struct AdapterOptions {
  std::filesystem::path path;
  double scale = 1.0;

  bool operator==(const AdapterOptions&) const = default;
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
  RopeOptions rope{};
  /// Adapters that are all applied. They are part of the model: snapshots and stored prefixes are of the model with its
  /// adapters.
  std::vector<AdapterOptions> adapters{};
  /// The processes that share the KV caches of the model's sessions; null: this one alone. All load the same model:
  /// Model::load() compares them, and names the rank whose model, version or options are others in Error(kPeer).
  std::shared_ptr<Ranks> ranks{};
  /// Silent when empty.
  LogSink log{};
  ProgressSink progress{};
};

}  // namespace pith::inline v0_1
