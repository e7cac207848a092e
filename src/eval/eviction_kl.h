#pragma once

#include <pith/model.h>

#include <string>
#include <vector>

#include "eval/eviction.h"
#include "eval/kl.h"

// How far what follows on a compacted context is from what follows on the whole one.
namespace pith::eval {

struct EvictionKlOptions {
  EvictionSetup setup{};
  KlText text{};
  /// Tokens in a chunk; what follows on its first half is scored.
  int context = 2048;
  /// 0: all that the text has.
  int chunks = 1;
};

struct EvictionKlRow {
  EvictionCase which;
  /// The baseline is the session that forgot nothing.
  KlFigures figures;
};

struct EvictionKlResult {
  EvictionKlOptions options;
  std::size_t chunks = 0;
  std::size_t tokens_scored = 0;
  double baseline_perplexity = 0;
  /// In the order of policies, and of ratios of each.
  std::vector<EvictionKlRow> rows;
};

/// Feeds the first half of each chunk once, compacts a fork of it for each policy and ratio and feeds the second half
/// to all in lockstep. Throws Error before anything is fed for options that make no sense or texts that are too short.
EvictionKlResult measure_eviction_kl(const Model& model, const EvictionKlOptions& options,
                                     const EvictionProgress& on_step = {});

}  // namespace pith::eval
