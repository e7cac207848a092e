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
  /// Those that say how to sample.
  std::vector<const Option*> sampling_options{};

  /// -n, --temp, --seed, --top-k, --top-p, --min-p, the penalties, --logit-bias, --stop, --ignore-end.
  void add_to(Command& app);
  /// The options as given. Ranges are the library's to check.
  GenerateOptions finished() const;
  /// Whether any option says how to sample.
  bool sampling_given() const;
};

}  // namespace pith::tools
