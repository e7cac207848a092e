#include "eval/eviction_kl.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "eval/logit_rows.h"
#include "eval/text_chunks.h"

namespace pith::eval {
namespace {

struct Contestant {
  EvictionKlRow row;
  std::vector<KlScore> scores;
};

/// The measurement in progress.
class Run {
 public:
  Run(const Model& model, const EvictionKlOptions& options, const EvictionProgress& on_step)
      : options_(options),
        on_step_(on_step),
        text_(model.tokenizer(), options.text.name, options.text.text, options.context, options.chunks),
        prefill_(observing_session(model, options.setup, options.context)),
        baseline_rows_(static_cast<std::size_t>(model.info().vocab), options.setup.threads),
        rows_(static_cast<std::size_t>(model.info().vocab), options.setup.threads) {
    for (EvictionCase& which : cases_of(options.setup)) contestants_.push_back({{std::move(which), {}}, {}});
  }

  EvictionKlResult measure() && {
    for (std::size_t i = 0; i < text_.size(); ++i) measure_chunk(i);
    EvictionKlResult result;
    result.options = options_;
    result.chunks = text_.size();
    result.tokens_scored = text_.size() * text_.scored();
    for (Contestant& contestant : contestants_) {
      contestant.row.figures = figures_of(contestant.scores);
      if (contestant.row.figures.count != 0) result.baseline_perplexity = contestant.row.figures.baseline_perplexity;
      result.rows.push_back(std::move(contestant.row));
    }
    return result;
  }

 private:
  void measure_chunk(std::size_t index) {
    const std::span<const Token> chunk = text_[index];
    prefill_.reset();
    prefill_.feed(chunk.first(text_.scored_from()));
    const std::size_t ratios = options_.setup.ratios.size();
    for (std::size_t i = 0; i < contestants_.size(); i += ratios) {
      measure_policy(chunk.subspan(text_.scored_from()), std::span(contestants_).subspan(i, ratios));
      ++done_;
      if (on_step_) on_step_({done_, text_.size() * options_.setup.policies.size(), progress(index, i)});
    }
  }

  /// Measures one policy at a time, since the caches of all may not fit and the exact logits are many.
  void measure_policy(std::span<const Token> tokens, std::span<Contestant> contestants) {
    std::vector<std::pair<Session, Contestant*>> sessions;
    for (Contestant& contestant : contestants) {
      std::optional<Session> session =
          compacted(prefill_, options_.setup, contestant.row.which, 1.0 / static_cast<double>(text_.size()));
      if (session) sessions.emplace_back(*std::move(session), &contestant);
    }
    if (sessions.empty()) return;
    Session baseline = prefill_.fork();
    const std::size_t end = tokens.size() - 1;
    for (std::size_t at = 0; at < end;) {
      const std::size_t count = std::min(rows_.rows_max(), end - at);
      baseline_rows_.take(baseline, tokens.subspan(at, count));
      for (auto& [session, contestant] : sessions) {
        rows_.take(session, tokens.subspan(at, count));
        score_rows(baseline_rows_, rows_, tokens.subspan(at + 1, count), options_.setup.threads, contestant->scores);
      }
      at += count;
    }
  }

  std::string progress(std::size_t chunk, std::size_t first) const {
    std::string text = fmt::format("chunk {}, {}: mean KL", chunk + 1, contestants_[first].row.which.policy);
    for (std::size_t i = first; i < first + options_.setup.ratios.size(); ++i) {
      const Contestant& contestant = contestants_[i];
      if (!contestant.row.which.unsupported.empty()) return contestant.row.which.unsupported;
      text += fmt::format(" {:.4g}", figures_of(contestant.scores).mean);
    }
    return text;
  }

  const EvictionKlOptions& options_;
  const EvictionProgress& on_step_;
  TextChunks text_;
  Session prefill_;
  LogitRows baseline_rows_;
  LogitRows rows_;
  std::vector<Contestant> contestants_;
  std::size_t done_ = 0;
};

}  // namespace

EvictionKlResult measure_eviction_kl(const Model& model, const EvictionKlOptions& options,
                                     const EvictionProgress& on_step) {
  EvictionKlOptions whole = options;
  whole.setup = checked(options.setup);
  return Run(model, whole, on_step).measure();
}

}  // namespace pith::eval
