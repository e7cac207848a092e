#include "eval/kl.h"

#include <fmt/format.h>
#include <pith/error.h>
#include <pith/session.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "eval/fail.h"
#include "eval/logit_rows.h"
#include "eval/text_chunks.h"

namespace pith::eval {
namespace {

/// One less than whole pages, so that the open page is full.
constexpr int kTokensPredicted = 8191;

void check(const KlOptions& options) {
  if (options.texts.empty()) fail(ErrorKind::kInvalidArgument, "no texts");
  if (options.codecs.empty() && !options.floor) fail(ErrorKind::kInvalidArgument, "no codecs");
  if (options.decode < 0 || options.decode > options.context / 2 - 1) {
    fail(ErrorKind::kInvalidArgument, "decode is {}, allowed are 0 to {} of a context of {}", options.decode,
         options.context / 2 - 1, options.context);
  }
  std::set<std::string_view> names;
  for (const KlText& text : options.texts) {
    if (names.insert(text.name).second) continue;
    fail(ErrorKind::kInvalidArgument, "two texts are named {}", text.name);
  }
}

Session make_session(const Model& model, const KlOptions& options, const KvOptions& kv,
                     const EvictionOptions& eviction = {}) {
  SessionOptions session;
  session.kv = kv;
  session.context = options.context;
  session.eviction = eviction;
  session.threads = options.threads;
  return Session(model, session);
}

/// One cache, with the measurements made on it.
struct Contestant {
  Session session;
  KlRow row;
  /// Over all texts so far.
  std::vector<KlScore> scores;
  double sum = 0;
};

/// The measurement in progress.
class Run {
 public:
  Run(const Model& model, const KlOptions& options, const KlProgress& on_step)
      : options_(options),
        on_step_(on_step),
        baseline_(make_session(model, options, options.baseline)),
        baseline_rows_(static_cast<std::size_t>(model.info().vocab), options.threads),
        rows_(static_cast<std::size_t>(model.info().vocab), options.threads) {
    texts_.reserve(options.texts.size());
    for (const KlText& text : options.texts) {
      texts_.emplace_back(model.tokenizer(), text.name, text.text, options.context, options.chunks);
      chunks_ += texts_.back().size();
    }
    for (const KvOptions& kv : options.codecs) add(model, kv, false);
    if (options.floor) add(model, *options.floor, true);
  }

  KlResult measure() && {
    KlResult result;
    result.context = options_.context;
    result.baseline = options_.baseline;
    for (const TextChunks& text : texts_) {
      measure_text(text);
      result.texts.push_back({text.name(), text.size(), text.size() * (text.context() - 1 - scored_from(text))});
      result.chunks += result.texts.back().chunks;
      result.tokens_scored += result.texts.back().tokens_scored;
    }
    result.baseline_bits = baseline_.kv_stats().bits();
    for (Contestant& contestant : contestants_) {
      contestant.row.total = figures_of(contestant.scores);
      contestant.row.kv_stats = contestant.session.kv_stats();
      contestant.row.bits = contestant.row.kv_stats.bits();
      result.rows.push_back(std::move(contestant.row));
    }
    return result;
  }

 private:
  void add(const Model& model, const KvOptions& kv, bool is_floor) {
    KlRow row;
    row.kv = kv;
    row.is_floor = is_floor;
    row.bits_8k = predict_kv(model, kv, kTokensPredicted).bits();
    const EvictionOptions eviction = is_floor ? EvictionOptions{} : options_.eviction;
    contestants_.push_back({make_session(model, options_, kv, eviction), std::move(row), {}, 0});
  }

  void measure_text(const TextChunks& text) {
    const std::size_t before = contestants_.empty() ? 0 : contestants_.front().scores.size();
    for (std::size_t i = 0; i < text.size(); ++i) {
      measure_chunk(text, text[i]);
      ++done_;
      if (on_step_) report(text.name());
    }
    for (Contestant& contestant : contestants_) {
      contestant.row.texts.push_back(figures_of(std::span(contestant.scores).subspan(before)));
    }
  }

  std::size_t scored_from(const TextChunks& text) const {
    return options_.decode == 0 ? text.scored_from() : text.context() - 1 - static_cast<std::size_t>(options_.decode);
  }

  void measure_chunk(const TextChunks& text, std::span<const Token> chunk) {
    const std::size_t first = scored_from(text);
    begin(baseline_, chunk.first(first));
    for (Contestant& contestant : contestants_) begin(contestant.session, chunk.first(first));
    const std::size_t end = chunk.size() - 1;
    for (std::size_t at = first; at < end;) {
      const std::size_t count = std::min(rows_.rows_max(), end - at);
      measure_piece(chunk.subspan(at, count), chunk.subspan(at + 1, count));
      at += count;
    }
    fed_ += end * (contestants_.size() + 1);
  }

  static void begin(Session& session, std::span<const Token> tokens) {
    session.reset();
    session.feed(tokens);
  }

  /// `next` has the true token after each of the piece's tokens.
  void measure_piece(std::span<const Token> piece, std::span<const Token> next) {
    baseline_rows_.take(baseline_, piece, options_.decode != 0);
    for (Contestant& contestant : contestants_) {
      rows_.take(contestant.session, piece, options_.decode != 0);
      std::vector<KlScore>& scores = contestant.scores;
      const std::size_t before = scores.size();
      score_rows(baseline_rows_, rows_, next, options_.threads, scores);
      for (std::size_t i = before; i < scores.size(); ++i) contestant.sum += scores[i].kl;
    }
  }

  void report(std::string_view text) const {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
    KlStep step;
    step.done = done_;
    step.total = chunks_;
    step.text = text;
    step.tokens_per_second = static_cast<double>(fed_) / seconds.count();
    step.rows.reserve(contestants_.size());
    for (const Contestant& contestant : contestants_) {
      const double mean = contestant.sum / static_cast<double>(contestant.scores.size());
      step.rows.push_back({contestant.row.kv, contestant.row.is_floor, mean});
    }
    on_step_(step);
  }

  const KlOptions& options_;
  const KlProgress& on_step_;
  std::vector<TextChunks> texts_;
  Session baseline_;
  std::vector<Contestant> contestants_;
  LogitRows baseline_rows_;
  LogitRows rows_;
  std::size_t chunks_ = 0;
  std::size_t done_ = 0;
  std::size_t fed_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

KlResult measure_kl(const Model& model, const KlOptions& options, const KlProgress& on_step) {
  check(options);
  return Run(model, options, on_step).measure();
}

}  // namespace pith::eval
