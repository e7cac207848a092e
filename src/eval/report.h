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

/// What a report shows. Parts that were not measured are left out of it.
struct ReportParts {
  /// The model's name and weight type, the arithmetic, the date: one line each.
  std::vector<std::string> facts;
  std::optional<KlResult> kl{};
  std::optional<NeedleResult> needle{};
  std::optional<EvictionKlResult> eviction_kl{};
  std::optional<EvictionNeedleResult> eviction_needle{};
  std::optional<EvictionStreamResult> eviction_stream{};
  std::vector<Distortion> distortion{};
  /// What prints these figures again, a command line each.
  std::vector<std::string> commands{};
};

/// One HTML page that stands alone: tables and plots, no scripts, nothing loaded. Readable in light and dark mode.
std::string report_html(const ReportParts& parts);

}  // namespace pith::eval
