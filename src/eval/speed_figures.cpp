#include <algorithm>

#include "eval/speed.h"

namespace pith::eval {

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

std::optional<double> least_squares_slope(std::span<const double> x, std::span<const double> y) {
  const auto count = static_cast<double>(x.size());
  double x_mean = 0;
  double y_mean = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x_mean += x[i] / count;
    y_mean += y[i] / count;
  }
  double both = 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    both += (x[i] - x_mean) * (y[i] - y_mean);
    squares += (x[i] - x_mean) * (x[i] - x_mean);
  }
  if (squares == 0) return std::nullopt;
  return both / squares;
}

Spread SpeedRun::tokens_per_second() const {
  std::vector<double> rates;
  rates.reserve(seconds.size());
  for (const double s : seconds) rates.push_back(tokens / s);
  return spread_of(std::move(rates));
}

double SpeedRow::share_of_int8(const MachineLimits& limits) const {
  if (prompt.tokens == 0) return 0;
  return prompt_operations / spread_of(prompt.seconds).median / limits.int8_ops_per_second;
}

Spread SpeedRow::together_over_one() const {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < together.seconds.size(); ++round) {
    const double one = decode.tokens / decode.seconds[round];
    ratios.push_back(together.tokens / together.seconds[round] / one);
  }
  return spread_of(std::move(ratios));
}

double SpeedRow::share_of_memory(const MachineLimits& limits) const {
  if (decode.tokens == 0) return 0;
  return decode_bytes * decode.tokens / spread_of(decode.seconds).median / limits.read_bytes_per_second;
}

std::optional<Spread> SpeedCache::seconds_per_context_token() const {
  std::vector<double> slopes;
  const std::size_t rounds = rows.empty() ? 0 : rows.front().decode.seconds.size();
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<double> held;
    std::vector<double> seconds;
    for (const SpeedRow& row : rows) {
      // The number of tokens that the middle decoded token sees.
      held.push_back(row.decode.depth + 0.5 * (row.decode.tokens + 1));
      seconds.push_back(row.decode.seconds[round] / row.decode.tokens);
    }
    const std::optional<double> slope = least_squares_slope(held, seconds);
    if (!slope) return std::nullopt;
    slopes.push_back(*slope);
  }
  if (slopes.empty()) return std::nullopt;
  return spread_of(std::move(slopes));
}

}  // namespace pith::eval
