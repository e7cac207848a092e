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
  /// Texts that end a repetition; empty: the usual ones.
  std::vector<std::string> dry_breaker_texts{};
  /// Those that say how to sample.
  std::vector<const Option*> sampling_options{};

  /// Adds -n, --temp, --seed, the options of all stages, --logit-bias, --stop, --ignore-end.
  void add_to(Command& app);
  /// Returns the options as given. The tokenizer is that of the model, for DRY's breakers. Ranges are the library's to
  /// check.
  GenerateOptions finished(const Tokenizer& tokenizer) const;
  /// Whether any option says how to sample.
  bool sampling_given() const;
};

}  // namespace pith::tools
