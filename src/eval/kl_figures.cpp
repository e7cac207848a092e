#include <algorithm>
#include <cmath>

#include "eval/divergence.h"
#include "eval/kl.h"

namespace pith::eval {
namespace {

struct Moments {
  double mean = 0;
  /// Standard error of the mean.
  double standard_error = 0;
};

/// Computes mean and variance in two passes, so that variances of tiny numbers stay exact.
template <typename Value>
Moments moments_of(std::span<const KlScore> scores, const Value& value) {
  Moments moments;
  const auto count = static_cast<double>(scores.size());
  for (const KlScore& score : scores) moments.mean += value(score);
  moments.mean /= count;
  if (scores.size() < 2) return moments;
  double squares = 0;
  for (const KlScore& score : scores) squares += std::pow(value(score) - moments.mean, 2);
  moments.standard_error = std::sqrt(squares / (count - 1) / count);
  return moments;
}

}  // namespace

KlFigures figures_of(std::span<const KlScore> scores) {
  KlFigures figures;
  figures.count = scores.size();
  if (scores.empty()) return figures;
  std::vector<double> ascending(scores.size());
  std::transform(scores.begin(), scores.end(), ascending.begin(), [](const KlScore& score) { return score.kl; });
  std::sort(ascending.begin(), ascending.end());
  const Moments kl = moments_of(scores, [](const KlScore& score) { return score.kl; });
  figures.mean = kl.mean;
  figures.standard_error = kl.standard_error;
  figures.median = quantile(ascending, 0.5);
  figures.percentile_90 = quantile(ascending, 0.9);
  figures.percentile_99 = quantile(ascending, 0.99);
  figures.percentile_99_9 = quantile(ascending, 0.999);
  figures.largest = ascending.back();
  figures.top_agreement = moments_of(scores, [](const KlScore& score) { return score.top_agrees ? 1.0 : 0.0; }).mean;
  figures.perplexity = std::exp(moments_of(scores, [](const KlScore& score) { return score.nll; }).mean);
  figures.baseline_perplexity =
      std::exp(moments_of(scores, [](const KlScore& score) { return score.baseline_nll; }).mean);
  const Moments ratio = moments_of(scores, [](const KlScore& score) { return score.nll - score.baseline_nll; });
  figures.perplexity_ratio = std::exp(ratio.mean);
  figures.perplexity_ratio_standard_error = figures.perplexity_ratio * ratio.standard_error;
  return figures;
}

}  // namespace pith::eval
