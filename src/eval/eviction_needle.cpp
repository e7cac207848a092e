#include "eval/eviction_needle.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace pith::eval {
namespace {

void check(const EvictionNeedleOptions& options) {
  if (options.lengths.empty()) throw Error(ErrorKind::kInvalidArgument, "no lengths");
  if (options.depths.empty()) throw Error(ErrorKind::kInvalidArgument, "no depths");
  if (options.repeats == 0) throw Error(ErrorKind::kInvalidArgument, "repeats is 0, must be at least 1");
  constexpr auto kLongest = static_cast<std::size_t>(std::numeric_limits<int>::max());
  for (const std::size_t length : options.lengths) {
    if (length <= kLongest) continue;
    throw Error(ErrorKind::kInvalidArgument, fmt::format("length {}: must be at most {}", length, kLongest));
  }
}

/// A prompt in three parts. The question's last token is fed after the decision in any case: the answer's first token
/// is predicted from it, by what is left.
struct Parts {
  std::span<const Token> document, question, last;
};

Parts parts_of(const NeedlePrompt& prompt) {
  const std::span<const Token> tokens = prompt.tokens;
  const std::size_t document = std::min(prompt.question_at, tokens.size() - 1);
  return {tokens.first(document), tokens.subspan(document, tokens.size() - 1 - document), tokens.last(1)};
}

Session plain_session(const Model& model, const EvictionSetup& setup, int context) {
  SessionOptions options;
  options.context = context;
  options.threads = setup.threads;
  return Session(model, options);
}

/// The measurement under way.
class Run {
 public:
  Run(const Model& model, std::string_view text, const EvictionNeedleOptions& options, const EvictionProgress& on_step)
      : options_(options),
        on_step_(on_step),
        haystack_(model.tokenizer(), text, options.text),
        context_(static_cast<int>(*std::max_element(options.lengths.begin(), options.lengths.end()))),
        prefill_(observing_session(model, options.setup, context_)),
        f16_(plain_session(model, options.setup, context_)) {
    // What does not fit is known before hours of work.
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
    const Parts parts = parts_of(prompt);
    f16_.reset();
    f16_.feed(parts.document);
    f16_.feed(parts.question);
    result_.exact_f16.back().scores.push_back(score_answer(f16_, parts.last, prompt.answer));
    prefill_.reset();
    prefill_.feed(parts.document);
    const std::span<const Token> whole = std::span(prompt.tokens).subspan(parts.document.size());
    const auto unseen = rows.first(rows.size() / 2);
    measure_rows(whole, prompt.answer, unseen);
    prefill_.feed(parts.question);
    Session exact = prefill_.fork();
    result_.exact.back().scores.push_back(score_answer(exact, parts.last, prompt.answer));
    measure_rows(parts.last, prompt.answer, rows.subspan(unseen.size()));
  }

  /// All policies and ratios from where the prefill stands.
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
