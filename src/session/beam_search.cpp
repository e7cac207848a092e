#include <pith/batch.h>
#include <pith/decoding.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "base/fail.h"
#include "options/beam_options.h"
#include "options/check.h"
#include "session/token_scores.h"

namespace pith {
namespace {

struct Beam {
  Session session;
  std::vector<Token> tokens;
  double logprob = 0.0;
};

/// A beam, by number, with one token more.
struct Step {
  std::size_t beam;
  Token token;
  double logprob;
};

void check(const BeamOptions& options) {
  options::checked(options);
  if (options.n_best > options.beams)
    fail(ErrorKind::kInvalidArgument, "n_best is {}, at most the {} beams are allowed", options.n_best, options.beams);
}

class BeamSearch {
 public:
  BeamSearch(const Session& session, const BeamOptions& options)
      : options_(options), tokenizer_(session.model().tokenizer()), batch_(session.model()) {
    beams_.push_back({session.fork(), {}, 0.0});
  }

  std::vector<Hypothesis> run(const std::stop_token& stop) {
    for (int length = 1; length <= options_.tokens_max && !beams_.empty(); ++length) {
      if (stop.stop_requested() || settled()) break;
      // All beams are at the same position.
      if (beams_.front().session.position() >= beams_.front().session.context()) break;
      advance(best_steps(), length < options_.tokens_max);
    }
    for (const Beam& beam : beams_) add(beam.tokens, beam.logprob, false);
    std::vector<Hypothesis> best = std::move(found_);
    best.resize(std::min(best.size(), static_cast<std::size_t>(options_.n_best)));
    for (Hypothesis& hypothesis : best) hypothesis.text = tokenizer_.decode(hypothesis.tokens);
    return best;
  }

 private:
  bool ends(Token token) const {
    return tokenizer_.is_end_of_generation(token) ||
           std::find(options_.stop_tokens.begin(), options_.stop_tokens.end(), token) != options_.stop_tokens.end();
  }

  double score_of(double logprob, std::size_t tokens) const {
    return logprob / std::pow(static_cast<double>(std::max<std::size_t>(tokens, 1)), options_.length_penalty);
  }

  /// Keeps hypotheses ordered by score; of equal ones the first that was found.
  void add(const std::vector<Token>& tokens, double logprob, bool ended) {
    const std::size_t length = tokens.size() + (ended ? 1 : 0);
    if (length == 0) return;
    Hypothesis hypothesis{tokens, {}, logprob, score_of(logprob, length), ended};
    const auto place = std::upper_bound(found_.begin(), found_.end(), hypothesis.score,
                                        [](double score, const Hypothesis& other) { return score > other.score; });
    found_.insert(place, std::move(hypothesis));
  }

  /// Whether no beam can get among the best ones any more: log-probabilities only fall, and so a beam scores at most
  /// what it would if all that is to come were certain.
  bool settled() const {
    if (found_.size() < static_cast<std::size_t>(options_.n_best)) return false;
    const double worst = found_[static_cast<std::size_t>(options_.n_best) - 1].score;
    return std::all_of(beams_.begin(), beams_.end(), [&](const Beam& beam) {
      const double now = score_of(beam.logprob, beam.tokens.size() + 1);
      const double last = score_of(beam.logprob, static_cast<std::size_t>(options_.tokens_max));
      return std::max(now, last) <= worst;
    });
  }

  /// The likeliest steps of all beams, likeliest first: enough of them for `beams` that go on, should others end.
  std::vector<Step> best_steps() const {
    const auto count = 2 * static_cast<std::size_t>(options_.beams);
    const auto vocab = static_cast<std::size_t>(tokenizer_.vocab_size());
    std::vector<Step> steps;
    for (std::size_t b = 0; b < beams_.size(); ++b) {
      for (const TokenLogprob& top : session::likeliest(beams_[b].session.logits().first(vocab), count))
        steps.push_back({b, top.token, beams_[b].logprob + static_cast<double>(top.logprob)});
    }
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.logprob > b.logprob; });
    steps.resize(std::min(steps.size(), count));
    return steps;
  }

  void advance(const std::vector<Step>& steps, bool goes_on) {
    std::vector<Step> taken;
    for (std::size_t i = 0; i < steps.size() && taken.size() < static_cast<std::size_t>(options_.beams); ++i) {
      if (!ends(steps[i].token)) {
        taken.push_back(steps[i]);
      } else if (i < static_cast<std::size_t>(options_.beams)) {
        add(beams_[steps[i].beam].tokens, steps[i].logprob, true);
      }
    }
    std::vector<Beam> next;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const Step& step = taken[i];
      Beam& parent = beams_[step.beam];
      // The last child takes its parent's session over.
      const bool last = std::none_of(taken.begin() + static_cast<std::ptrdiff_t>(i) + 1, taken.end(),
                                     [&](const Step& other) { return other.beam == step.beam; });
      Beam child{last ? std::move(parent.session) : parent.session.fork(), parent.tokens, step.logprob};
      child.tokens.push_back(step.token);
      next.push_back(std::move(child));
    }
    beams_ = std::move(next);
    if (goes_on) feed_last_tokens();
  }

  void feed_last_tokens() {
    for (Beam& beam : beams_) batch_.add(beam.session, beam.tokens.back());
    batch_.run();
    batch_.rethrow_error();
  }

  const BeamOptions& options_;
  const Tokenizer& tokenizer_;
  Batch batch_;
  std::vector<Beam> beams_;
  std::vector<Hypothesis> found_;  ///< Best first.
};

}  // namespace

}  // namespace pith

namespace pith::inline v0_1 {

std::vector<Hypothesis> beam_search(const Session& session, const BeamOptions& options, const std::stop_token& stop) {
  check(options);
  if (session.position() == 0) fail(ErrorKind::kInvalidArgument, "beam search needs a prompt, the session is empty");
  return BeamSearch(session, options).run(stop);
}

}  // namespace pith::inline v0_1
