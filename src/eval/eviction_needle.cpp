#include "eval/eviction_needle.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "eval/fail.h"

namespace pith::eval {
namespace {

void check(const EvictionNeedleOptions& options) {
  if (options.lengths.empty()) fail(ErrorKind::kInvalidArgument, "no lengths");
  if (options.depths.empty()) fail(ErrorKind::kInvalidArgument, "no depths");
  if (options.repeats == 0) fail(ErrorKind::kInvalidArgument, "repeats is 0, must be at least 1");
  constexpr auto kLongest = static_cast<std::size_t>(std::numeric_limits<int>::max());
  for (const std::size_t length : options.lengths) {
    if (length <= kLongest) continue;
    fail(ErrorKind::kInvalidArgument, "length {}: must be at most {}", length, kLongest);
  }
}

Session plain_session(const Model& model, const EvictionSetup& setup, int context) {
  SessionOptions options;
  options.kv.key = "f16";
  options.context = context;
  options.threads = setup.threads;
  return Session(model, options);
}

/// The measurement in progress.
class Run {
 public:
  Run(const Model& model, std::string_view text, const EvictionNeedleOptions& options, const EvictionProgress& on_step)
      : options_(options),
        on_step_(on_step),
        haystack_(model.tokenizer(), text, options.text),
        context_(static_cast<int>(*std::max_element(options.lengths.begin(), options.lengths.end()))),
        prefill_(observing_session(model, options.setup, context_)),
        f16_(plain_session(model, options.setup, context_)) {
    // Checks that everything fits before hours of work.
    for (const std::size_t length : options.lengths) {
      for (const double depth : options.depths) haystack_.prompt(draw_passkey(options.seed, 0), length, depth);
    }
    result_.options = options;
  }

  EvictionNeedleResult measure() && {
    for (const std::size_t length : options_.lengths) measure_length(length);
    return std::move(result_);
  }

 private:
  void measure_length(std::size_t length) {
    EvictionNeedleRow exact{{"none", 0}, false, length, {}};
    result_.exact.push_back(exact);
    result_.exact_f16.push_back(exact);
    const std::size_t first = result_.rows.size();
    for (const bool seen : {false, true}) {
      for (EvictionCase& which : cases_of(options_.setup)) {
        result_.rows.push_back({std::move(which), seen, length, {}});
      }
    }
    const auto rows = std::span(result_.rows).subspan(first);
    for (const double depth : options_.depths) {
      for (std::size_t i = 0; i < options_.repeats; ++i) {
        measure_prompt(haystack_.prompt(draw_passkey(options_.seed, i), length, depth), rows);
        ++done_;
        const std::size_t total = options_.lengths.size() * options_.depths.size() * options_.repeats;
        if (on_step_) on_step_({done_, total, progress(length, depth)});
      }
    }
  }

  void measure_prompt(const NeedlePrompt& prompt, std::span<EvictionNeedleRow> rows) {
    const auto document = std::span(prompt.tokens).first(prompt.question_at);
    const auto question = std::span(prompt.tokens).subspan(prompt.question_at);
    f16_.reset();
    result_.exact_f16.back().scores.push_back(score_answer(f16_, prompt.tokens, prompt.answer));
    prefill_.reset();
    prefill_.feed(document);
    const std::size_t half = rows.size() / 2;
    measure_rows(question, prompt.answer, rows.first(half));
    prefill_.feed(question);
    Session exact = prefill_.fork();
    result_.exact.back().scores.push_back(score_answer(exact, {}, prompt.answer));
    measure_rows({}, prompt.answer, rows.last(half));
  }

  /// Measures all policies and ratios from the present state of the prefill.
  void measure_rows(std::span<const Token> rest, std::span<const Token> answer, std::span<EvictionNeedleRow> rows) {
    const auto count = static_cast<double>(options_.depths.size() * options_.repeats);
    for (EvictionNeedleRow& row : rows) {
      std::optional<Session> session = compacted(prefill_, options_.setup, row.which, 1 / count);
      if (session) row.scores.push_back(score_answer(*session, rest, answer));
    }
  }

  std::string progress(std::size_t length, double depth) const {
    return fmt::format("length {}, depth {:g} %: log-probability {:.4f} without eviction", length, depth,
                       result_.exact.back().scores.back().log_probability);
  }

  const EvictionNeedleOptions& options_;
  const EvictionProgress& on_step_;
  Haystack haystack_;
  int context_;
  Session prefill_;
  Session f16_;
  EvictionNeedleResult result_;
  std::size_t done_ = 0;
};

}  // namespace

double EvictionNeedleRow::recall() const noexcept {
  const auto recalled = std::count_if(scores.begin(), scores.end(), [](const auto& score) { return score.recalled(); });
  return scores.empty() ? 0 : static_cast<double>(recalled) / static_cast<double>(scores.size());
}

double EvictionNeedleRow::log_probability() const noexcept {
  double sum = 0;
  for (const NeedleScore& score : scores) sum += score.log_probability;
  return scores.empty() ? 0 : sum / static_cast<double>(scores.size());
}

EvictionNeedleResult measure_eviction_needle(const Model& model, std::string_view haystack,
                                             const EvictionNeedleOptions& options, const EvictionProgress& on_step) {
  check(options);
  EvictionNeedleOptions whole = options;
  whole.setup = checked(options.setup);
  return Run(model, haystack, whole, on_step).measure();
}

}  // namespace pith::eval
