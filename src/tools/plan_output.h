#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "eval/plan.h"
#include "tools/output.h"

namespace pith::tools {

/// What `pith plan` prints.
struct PlanReport {
  std::string model_file;
  std::uint64_t file_bytes = 0;
  ModelInfo model;
  Arithmetic arithmetic = Arithmetic::kFast;
  eval::PlanOptions options;
  eval::PlanResult result;
  /// Bytes that this process may hold here; 0: unknown.
  std::uint64_t usable_memory = 0;
  /// Absent where they were not measured.
  std::optional<eval::PlanLimits> limits;
};

/// A heading, a table with a line for each cache, and what its marks mean.
std::string plan_text(const PlanReport& report);
Json plan_json(const PlanReport& report);

}  // namespace pith::tools
