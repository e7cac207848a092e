#include "eval/eviction_stream.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "eval/divergence.h"

namespace pith::eval {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBudgetMin = 4;

EvictionStreamOptions checked_stream(EvictionStreamOptions options) {
  options.setup = checked(std::move(options.setup));
  if (options.stream_tokens < 2) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("stream of {} tokens: must be at least 2", options.stream_tokens));
  }
  if (options.budget < kBudgetMin) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("budget is {} tokens, must be at least {}", options.budget, kBudgetMin));
  }
  if (options.block_tokens == 0) options.block_tokens = (options.stream_tokens + 9) / 10;
  return options;
}

std::vector<Token> stream_of(const Model& model, std::string_view text, std::size_t count) {
  std::vector<Token> tokens = model.tokenizer().encode(text, {.add_special = true, .parse_special = false});
  if (tokens.size() < count) {
    throw Error(ErrorKind::kInvalidArgument,
                fmt::format("the text has {} tokens, too few for a stream of {}", tokens.size(), count));
  }
  tokens.resize(count);
  return tokens;
}

/// The measurement in progress.
class Run {
 public:
  Run(const Model& model, std::string_view text, const EvictionStreamOptions& options, const EvictionProgress& on_step)
      : model_(model), options_(options), on_step_(on_step), tokens_(stream_of(model, text, options.stream_tokens)) {
    result_.options = options;
    result_.context_trained = model.info().context_trained;
    result_.rows.push_back({"fresh windows", "", 0});
    result_.rows.push_back({"window, no sinks", "window", 0});
    for (const std::string& policy : options.setup.policies) {
      result_.rows.push_back({policy, policy, options.setup.common.sinks});
    }
    // Checks all options before hours of work.
    for (EvictionStreamRow& row : result_.rows) make_session(row);
  }

  EvictionStreamResult measure() && {
    measure_fresh(result_.rows.front());
    for (EvictionStreamRow& row : std::span(result_.rows).subspan(1)) measure_row(row);
    return std::move(result_);
  }

 private:
  SessionOptions session_options() const {
    SessionOptions options;
    options.kv = options_.setup.kv;
    options.context = static_cast<int>(options_.budget);
    options.threads = options_.setup.threads;
    return options;
  }

  /// Returns nothing if the policy cannot decide while tokens arrive.
  std::optional<Session> make_session(EvictionStreamRow& row) const {
    SessionOptions options = session_options();
    if (row.policy.empty()) return Session(model_, options);
    if (make_policy(row.policy, {}, options_.setup.common.registry.get())->needs().reconstruction) {
      row.unsupported = row.policy + " reads the whole context once more at each decision: it does not stream";
      return std::nullopt;
    }
    options.eviction = options_.setup.common;
    options.eviction.policy = row.policy;
    options.eviction.sinks = row.sinks;
    options.eviction.budget_tokens = options_.budget;
    return Session(model_, options);
  }

  std::size_t blocks() const { return (tokens_.size() - 1 + options_.block_tokens - 1) / options_.block_tokens; }
  /// All tokens but the last, since nothing follows that one.
  std::span<const Token> fed() const { return std::span(tokens_).first(tokens_.size() - 1); }

  void measure_row(EvictionStreamRow& row) {
    std::optional<Session> session = make_session(row);
    if (!session) {
      done_ += blocks();
      return;
    }
    for (std::size_t at = 0; at < fed().size(); at += options_.block_tokens) {
      const std::size_t count = std::min(options_.block_tokens, fed().size() - at);
      double nll = 0;
      const auto start = Clock::now();
      session->feed_logits(fed().subspan(at, count), [&](int position, std::span<const float> logits) {
        nll += negative_log_likelihood(logits, tokens_[static_cast<std::size_t>(position) + 1]);
      });
      add_block(row, at, count, nll, start, session->kv_stats());
    }
  }

  void add_block(EvictionStreamRow& row, std::size_t at, std::size_t count, double nll, Clock::time_point start,
                 const KvStats& kv) {
    const std::chrono::duration<double> seconds = Clock::now() - start;
    const auto tokens = static_cast<double>(count);
    row.blocks.push_back(
        {at + count, std::exp(nll / tokens), kv.held_tokens, kv.bytes, kv.policy_bytes, seconds.count() / tokens});
    ++done_;
    if (!on_step_) return;
    on_step_({done_, blocks() * result_.rows.size(),
              fmt::format("{}, {} tokens: perplexity {:.4g}, {} held", row.name, at + count,
                          row.blocks.back().perplexity, kv.held_tokens)});
  }

  /// Feeds windows of one budget, half a budget apart. Scores all of the first window, and the second half of the
  /// others.
  void measure_fresh(EvictionStreamRow& row) {
    Session session = *make_session(row);
    const std::size_t half = options_.budget / 2;
    std::vector<double> nlls(fed().size());
    for (std::size_t at = 0; at < fed().size(); at += options_.block_tokens) {
      const std::size_t end = std::min(at + options_.block_tokens, fed().size());
      const auto start = Clock::now();
      // Skips what windows that began in the previous block have already scored.
      while (scored_ < end) {
        const std::size_t begin = scored_ == 0 ? 0 : scored_ - half;
        feed_fresh(session, begin, std::min(begin + 2 * half, fed().size()), nlls);
      }
      double nll = 0;
      for (std::size_t i = at; i < end; ++i) nll += nlls[i];
      add_block(row, at, end - at, nll, start, session.kv_stats());
    }
  }

  void feed_fresh(Session& session, std::size_t begin, std::size_t end, std::vector<double>& nlls) {
    std::vector<Token> before(fed().begin() + static_cast<std::ptrdiff_t>(begin),
                              fed().begin() + static_cast<std::ptrdiff_t>(scored_));
    // If the tokenizer puts BOS before a text, each window's first token is replaced by BOS.
    if (!before.empty() && tokens_.front() == model_.tokenizer().bos()) before.front() = tokens_.front();
    session.reset();
    session.feed(before);
    session.feed_logits(fed().subspan(scored_, end - scored_), [&](int position, std::span<const float> logits) {
      const std::size_t at = begin + static_cast<std::size_t>(position);
      nlls[at] = negative_log_likelihood(logits, tokens_[at + 1]);
    });
    scored_ = end;
  }

  const Model& model_;
  const EvictionStreamOptions& options_;
  const EvictionProgress& on_step_;
  std::vector<Token> tokens_;
  EvictionStreamResult result_;
  std::size_t scored_ = 0;  ///< By fresh windows.
  std::size_t done_ = 0;
};

}  // namespace

double EvictionStreamRow::perplexity() const noexcept {
  double nll = 0;
  std::size_t before = 0;
  for (const EvictionStreamBlock& block : blocks) {
    nll += std::log(block.perplexity) * static_cast<double>(block.end - before);
    before = block.end;
  }
  return before == 0 ? 0 : std::exp(nll / static_cast<double>(before));
}

EvictionStreamResult measure_eviction_stream(const Model& model, std::string_view text,
                                             const EvictionStreamOptions& options, const EvictionProgress& on_step) {
  return Run(model, text, checked_stream(options), on_step).measure();
}

}  // namespace pith::eval
