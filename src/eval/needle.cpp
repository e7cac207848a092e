#include "eval/needle.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/cache_name.h"
#include "eval/divergence.h"

namespace pith::eval {
namespace {

void check(const NeedleOptions& options) {
  if (options.lengths.empty()) throw Error(ErrorKind::kInvalidArgument, "no lengths");
  if (options.depths.empty()) throw Error(ErrorKind::kInvalidArgument, "no depths");
  if (options.repeats == 0) throw Error(ErrorKind::kInvalidArgument, "repeats is 0, must be at least 1");
  const std::size_t longest = *std::max_element(options.lengths.begin(), options.lengths.end());
  constexpr auto kLongest = static_cast<std::size_t>(std::numeric_limits<int>::max());
  if (longest > kLongest) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("length {}: must be at most {}", longest, kLongest));
  }
}

/// One cache, with the measurements made on it.
struct Contestant {
  Session session;
  NeedleGrid grid;
  /// Bits per element of the cache after the last prompt.
  double bits = 0;
};

Contestant make_contestant(const Model& model, const NeedleOptions& options, const KvOptions& kv,
                           const EvictionOptions& eviction = {}) {
  SessionOptions session;
  session.kv = kv;
  session.context = static_cast<int>(*std::max_element(options.lengths.begin(), options.lengths.end()));
  session.threads = options.threads;
  session.eviction = eviction;
  Contestant contestant{Session(model, session), {}, 0};
  contestant.grid.kv = kv;
  return contestant;
}

/// The mean of absolute values, and the largest.
struct Extent {
  double mean = 0;
  double worst = 0;
};

template <typename Value>
Extent extent_of(std::span<const NeedleCell> cells, std::span<const NeedleCell> baseline, const Value& value) {
  Extent extent;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double absolute = std::abs(value(cells[i], baseline[i]));
    extent.mean += absolute / static_cast<double>(cells.size());
    extent.worst = std::max(extent.worst, absolute);
  }
  return extent;
}

/// Returns the standard error of a mean of differences, one per passkey and depth.
double standard_error(std::span<const NeedleCell> cells, std::span<const NeedleCell> baseline, double mean) {
  double squares = 0;
  double count = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::size_t k = 0; k < cells[i].scores.size(); ++k, ++count) {
      squares += std::pow(cells[i].scores[k].log_probability - baseline[i].scores[k].log_probability - mean, 2);
    }
  }
  return count > 1 ? std::sqrt(squares / (count - 1) / count) : 0;
}

NeedleSummary summarize(std::span<const NeedleCell> cells, std::span<const NeedleCell> baseline, double bits) {
  NeedleSummary summary;
  summary.length = cells.front().length;
  summary.bits = bits;
  const auto count = static_cast<double>(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    summary.log_probability += cells[i].log_probability() / count;
    summary.difference += difference(cells[i], baseline[i]) / count;
    summary.recall += cells[i].recall() / count;
    summary.rank_worst = std::max(summary.rank_worst, cells[i].rank_worst());
  }
  summary.difference_standard_error = standard_error(cells, baseline, summary.difference);
  const Extent passkeys = extent_of(cells, baseline, passkey_difference);
  const Extent differences = extent_of(cells, baseline, difference);
  const Extent relative = extent_of(cells, baseline, relative_difference);
  const Extent probabilities = extent_of(cells, baseline, probability_change);
  summary.passkey_difference_mean = passkeys.mean;
  summary.passkey_difference_worst = passkeys.worst;
  summary.difference_mean = differences.mean;
  summary.difference_worst = differences.worst;
  summary.relative_difference_mean = relative.mean;
  summary.relative_difference_worst = relative.worst;
  summary.probability_change_mean = probabilities.mean;
  summary.probability_change_worst = probabilities.worst;
  return summary;
}

/// The measurement in progress.
class Run {
 public:
  Run(const Model& model, std::string_view text, const NeedleOptions& options, const NeedleProgress& on_step)
      : options_(options), on_step_(on_step), haystack_(model.tokenizer(), text, options.text) {
    for (std::size_t i = 0; i < options.repeats; ++i) passkeys_.push_back(draw_passkey(options.seed, i));
    check_lengths();
    contestants_.push_back(make_contestant(model, options, options.baseline));
    for (const KvOptions& kv : options.codecs) {
      contestants_.push_back(make_contestant(model, options, kv, options.eviction));
    }
  }

  NeedleResult measure() && {
    for (const std::size_t length : options_.lengths) {
      for (const double depth : options_.depths) measure_cell(length, depth);
      summarize_length();
    }
    NeedleResult result{options_, std::move(passkeys_), std::move(contestants_.front().grid), {}};
    for (std::size_t i = 1; i < contestants_.size(); ++i) result.codecs.push_back(std::move(contestants_[i].grid));
    return result;
  }

 private:
  /// Checks that everything fits before hours of work.
  void check_lengths() const {
    for (const std::size_t length : options_.lengths) {
      for (const double depth : options_.depths) {
        for (const std::string& passkey : passkeys_) haystack_.prompt(passkey, length, depth);
      }
    }
  }

  void measure_cell(std::size_t length, double depth) {
    for (Contestant& contestant : contestants_) contestant.grid.cells.push_back({length, depth, 0, {}});
    for (const std::string& passkey : passkeys_) {
      const NeedlePrompt prompt = haystack_.prompt(passkey, length, depth);
      for (Contestant& contestant : contestants_) {
        NeedleCell& cell = contestant.grid.cells.back();
        cell.depth_placed += prompt.depth / static_cast<double>(passkeys_.size());
        cell.scores.push_back(score_answer(contestant.session, prompt.tokens, prompt.answer));
        contestant.bits = contestant.session.kv_stats().bits();
        // Only one cache at a time is filled.
        contestant.session.reset();
        ++done_;
        if (on_step_) on_step_({done_, total(), contestant.grid.kv, length, depth, cell.scores.back()});
      }
    }
  }

  /// Summarizes the cells that were measured last.
  void summarize_length() {
    const std::size_t depths = options_.depths.size();
    const std::span<const NeedleCell> baseline = std::span(contestants_.front().grid.cells).last(depths);
    for (Contestant& contestant : contestants_) {
      const std::span<const NeedleCell> cells = std::span(contestant.grid.cells).last(depths);
      contestant.grid.summaries.push_back(summarize(cells, baseline, contestant.bits));
    }
  }

  std::size_t total() const {
    return options_.lengths.size() * options_.depths.size() * passkeys_.size() * contestants_.size();
  }

  const NeedleOptions& options_;
  const NeedleProgress& on_step_;
  Haystack haystack_;
  std::vector<std::string> passkeys_;
  std::vector<Contestant> contestants_;
  std::size_t done_ = 0;
};

}  // namespace

std::string NeedleGrid::name() const { return cache_name(kv); }

double NeedleCell::log_probability() const noexcept {
  double sum = 0;
  for (const NeedleScore& score : scores) sum += score.log_probability;
  return sum / static_cast<double>(scores.size());
}

std::size_t NeedleCell::rank_worst() const noexcept {
  std::size_t worst = 0;
  for (const NeedleScore& score : scores) worst = std::max(worst, score.rank);
  return worst;
}

double NeedleCell::recall() const noexcept {
  const auto recalled = std::count_if(scores.begin(), scores.end(), [](const auto& score) { return score.recalled(); });
  return static_cast<double>(recalled) / static_cast<double>(scores.size());
}

double difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept {
  return cell.log_probability() - baseline.log_probability();
}

double passkey_difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < cell.scores.size(); ++i) {
    sum += std::abs(cell.scores[i].log_probability - baseline.scores[i].log_probability);
  }
  return sum / static_cast<double>(cell.scores.size());
}

double relative_difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept {
  const double absolute = std::abs(difference(cell, baseline));
  return absolute == 0 ? 0 : absolute / std::abs(baseline.log_probability());
}

double probability_change(const NeedleCell& cell, const NeedleCell& baseline) noexcept {
  return std::expm1(difference(cell, baseline));
}

NeedleScore score_token(std::span<const float> logits, Token token) {
  const auto index = static_cast<std::size_t>(token);
  const float own = logits[index];
  NeedleScore score{-negative_log_likelihood(logits, token), 1};
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > own || (logits[i] == own && i < index)) ++score.rank;
  }
  return score;
}

NeedleScore score_answer(Session& session, std::span<const Token> tokens, std::span<const Token> answer) {
  NeedleScore whole;
  std::size_t index = 0;
  const auto add = [&](std::span<const float> logits) {
    const NeedleScore score = score_token(logits, answer[index++]);
    whole.log_probability += score.log_probability / static_cast<double>(answer.size());
    whole.rank = std::max(whole.rank, score.rank);
  };
  // The logits before the answer, and after each of its tokens but the last, are the ones to score.
  std::vector<Token> scored(answer.begin(), answer.end() - 1);
  if (tokens.empty()) {
    add(session.logits());
  } else {
    scored.insert(scored.begin(), tokens.back());
    if (tokens.size() > 1) session.feed(tokens.first(tokens.size() - 1));
  }
  session.feed_logits(scored, [&](int, std::span<const float> logits) { add(logits); });
  return whole;
}

NeedleResult measure_needle(const Model& model, std::string_view haystack, const NeedleOptions& options,
                            const NeedleProgress& on_step) {
  check(options);
  return Run(model, haystack, options, on_step).measure();
}

}  // namespace pith::eval
