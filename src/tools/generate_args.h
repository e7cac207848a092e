#pragma once

#include <pith/pith.h>

#include <string>
#include <vector>

#include "tools/command_line.h"

namespace pith::tools {

/// How to generate: length, sampling, stop strings.
struct GenerateArgs {
  GenerateOptions options;
  /// "ID=VALUE"
  std::vector<std::string> biases;

  /// -n, --temp, --seed, --top-k, --top-p, --min-p, the penalties, --logit-bias, --stop, --ignore-end.
  void add_to(Command& app);
  /// The options as given. Ranges are the library's to check.
  GenerateOptions finished() const;
};

}  // namespace pith::tools
