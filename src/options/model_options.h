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
      option("log", &O::log, "Write the library's log to standard error").on_command_line("-v,--verbose"),
      option("progress", &O::progress, "Shows how far loading is"),
  };
};
static_assert(is_complete<ModelOptions>());

}  // namespace pith::options
