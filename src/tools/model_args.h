#pragma once

#include <pith/pith.h>

#include <CLI/CLI.hpp>
#include <string>

#include "tools/output.h"

namespace pith::tools {

/// Which model to load, and how.
struct ModelArgs {
  std::string path;
  Arithmetic arithmetic = Arithmetic::kFast;
  int threads = 0;
  bool verbose = false;

  /// The model, --arithmetic, --threads, --verbose.
  void add_to(CLI::App& app, const std::string& model_names = "-m,--model");
  /// Shows progress on a terminal. Throws pith::Error.
  Model load() const;
};

/// How to keep the KV cache.
struct SessionArgs {
  std::string kv;
  std::string kv_key;
  std::string kv_value;
  /// What K and V are where no option says otherwise.
  std::string kv_default = "f16";
  int context = 0;

  /// --kv, --kv-k, --kv-v.
  void add_kv_to(CLI::App& app);
  /// --ctx.
  void add_context_to(CLI::App& app);
  SessionOptions options(int threads) const;
};

/// --format text|json.
void add_format(CLI::App& app, Format& format);

}  // namespace pith::tools
