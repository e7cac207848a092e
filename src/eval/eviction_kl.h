#pragma once

#include <pith/model.h>

#include <string>
#include <vector>

#include "eval/eviction.h"
#include "eval/kl.h"

// Measures how far predictions on a compacted context are from those on the whole one.
namespace pith::eval {

struct EvictionKlOptions {
  EvictionSetup setup{};
  KlText text{};
  /// Tokens per chunk. Predictions are scored on its second half.
  int context = 2048;
  /// Number of chunks; 0: all that the text has.
  int chunks = 1;
};

struct EvictionKlRow {
  EvictionCase which;
  /// Compared with the session that evicted nothing.
  KlFigures figures;
};

struct EvictionKlResult {
  EvictionKlOptions options;
  std::size_t chunks = 0;
  std::size_t tokens_scored = 0;
  double baseline_perplexity = 0;
  /// In the order of policies and, for each, of ratios.
  std::vector<EvictionKlRow> rows;
};

/// Feeds the first half of each chunk once, compacts a fork of it for each policy and ratio, and feeds the second half
/// to all in lockstep. Throws Error before feeding anything for invalid options or texts that are too short.
EvictionKlResult measure_eviction_kl(const Model& model, const EvictionKlOptions& options,
                                     const EvictionProgress& on_step = {});

}  // namespace pith::eval
