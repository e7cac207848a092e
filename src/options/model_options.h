#pragma once

#include <pith/model_options.h>

#include <array>
#include <utility>

#include "options/table.h"

namespace pith::options {

template <>
struct Words<Arithmetic> {
  static constexpr std::array<std::pair<Arithmetic, std::string_view>, 2> list{
      {{Arithmetic::kFast, "fast"}, {Arithmetic::kF32, "f32"}}};
};

template <>
struct Words<RopeStretch> {
  static constexpr std::array<std::pair<RopeStretch, std::string_view>, 5> list{{{RopeStretch::kFile, "file"},
                                                                                 {RopeStretch::kNone, "none"},
                                                                                 {RopeStretch::kLinear, "linear"},
                                                                                 {RopeStretch::kNtk, "ntk"},
                                                                                 {RopeStretch::kYarn, "yarn"}}};
};

template <>
struct Table<RopeOptions> {
  using O = RopeOptions;
  static constexpr std::tuple rows{
      option("stretch", &O::stretch, "How positions beyond the trained ones are seen; file: as the file says")
          .on_command_line("--rope"),
      option("factor", &O::factor, "By how much the context grows")
          .between(1e-3, 1e6)
          .on_command_line("--rope-factor", "X"),
      option("base", &O::base, "The base of RoPE's frequencies; 0: the file's")
          .between(0.0, 1e15)
          .on_command_line("--rope-base", "X"),
      option("context", &O::context, "The context that chooses between short and long RoPE factors; 0: the trained one")
          .at_least(0),
  };
};
static_assert(is_complete<RopeOptions>());

template <>
struct Table<ModelOptions> {
  using O = ModelOptions;
  static constexpr std::tuple rows{
      option("arithmetic", &O::arithmetic,
             "fast: activations are quantized to 8 bits where weights are; f32: the reference")
          .on_command_line("--arithmetic"),
      option("threads", &O::threads, "Threads; 0: one for each processor")
          .between(0, WorkerPool::kThreadsMax)
          .on_command_line("--threads", "N"),
      option("workers", &O::workers, "Threads that a program shares"),
      option("manifest", &O::manifest, "Load the model only if it is what this manifest says (pith manifest)")
          .on_command_line("--manifest", "FILE"),
      option("check_weights", &O::check_weights, "Refuse weights that are not finite"),
      option("rope", &O::rope, "RoPE in place of the file's"),
      option("adapters", &O::adapters, "LoRA adapters that are all applied"),
      option("ranks", &O::ranks, "The processes that share KV caches"),
      option("log", &O::log, "Write the library's log to standard error").on_command_line("-v,--verbose"),
      option("progress", &O::progress, "Shows how far loading is"),
  };
};
static_assert(is_complete<ModelOptions>());

}  // namespace pith::options
