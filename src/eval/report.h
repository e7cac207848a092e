#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/distortion.h"
#include "eval/eviction_kl.h"
#include "eval/eviction_needle.h"
#include "eval/eviction_stream.h"
#include "eval/kl.h"
#include "eval/needle.h"

namespace pith::eval {

/// The contents of a report. Parts that were not measured are left out.
struct ReportParts {
  /// The model's name and weight type, the arithmetic, and the date: one line each.
  std::vector<std::string> facts;
  std::optional<KlResult> kl{};
  std::optional<NeedleResult> needle{};
  std::optional<EvictionKlResult> eviction_kl{};
  std::optional<EvictionNeedleResult> eviction_needle{};
  std::optional<EvictionStreamResult> eviction_stream{};
  std::vector<Distortion> distortion{};
  /// The commands that print these figures again, one line each.
  std::vector<std::string> commands{};
};

/// Returns one self-contained HTML page with tables and plots: it has no scripts, loads nothing, and is readable in
/// light and dark mode.
std::string report_html(const ReportParts& parts);

}  // namespace pith::eval
