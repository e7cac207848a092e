#pragma once

#include <pith/model.h>

#include <string>

#include "eval/speed.h"
#include "tools/output.h"

namespace pith::tools {

enum class BenchFormat { kTable, kJson, kCsv, kMarkdown };

/// What was measured, and on what.
struct BenchReport {
  std::string model_file;
  ModelInfo model;
  Arithmetic arithmetic = Arithmetic::kFast;
  /// Never 0.
  int threads = 1;
  int rounds = 0;
  eval::SpeedResult result;
};

/// A line a cache and depth, and what holds of all of them around it. csv: the lines alone.
std::string bench_text(const BenchReport& report, BenchFormat format);

Json bench_json(const BenchReport& report);

}  // namespace pith::tools
