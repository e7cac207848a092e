#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "eval/divergence.h"
#include "eval/text_chunks.h"
#include "tools/eval.h"
#include "tools/files.h"
#include "tools/model_args.h"
#include "tools/output.h"
#include "tools/summary.h"

namespace pith::tools {
namespace {

struct PerplexityArgs {
  ModelArgs model;
  SessionArgs session;
  std::string text;
  int context = 2048;
  int chunks = 0;
  Format format = Format::kText;
};

/// Negative log-likelihoods, in nats, of the tokens scored so far.
class Score {
 public:
  void add(double nll) noexcept {
    ++count_;
    sum_ += nll;
    squares_ += nll * nll;
  }
  std::size_t count() const noexcept { return count_; }
  double mean() const noexcept { return sum_ / static_cast<double>(count_); }
  double perplexity() const noexcept { return std::exp(mean()); }
  /// Of the perplexity, to first order.
  double standard_error() const noexcept {
    if (count_ < 2) return 0.0;
    const double variance = squares_ / static_cast<double>(count_) - mean() * mean();
    return perplexity() * std::sqrt(std::max(variance, 0.0) / static_cast<double>(count_ - 1));
  }

 private:
  std::size_t count_ = 0;
  double sum_ = 0.0;
  double squares_ = 0.0;
};

void score_chunk(Session& session, const eval::TextChunks& text, std::span<const Token> chunk, Score& score) {
  session.reset();
  session.feed(chunk.first(text.scored_from()));
  const auto scored = chunk.subspan(text.scored_from(), text.scored());
  session.feed_logits(scored, [&](int position, std::span<const float> logits) {
    score.add(eval::negative_log_likelihood(logits, chunk[static_cast<std::size_t>(position) + 1]));
  });
}

void write_result(const PerplexityArgs& args, const Score& score, const std::vector<double>& running, double seconds,
                  const KvStats& kv) {
  if (args.format == Format::kText) {
    const EvictionOptions eviction = args.session.eviction.options();
    const std::string evicted = eviction.policy.empty() ? "" : fmt::format(", evicted by {}", eviction_name(eviction));
    return write_output(fmt::format("perplexity {:.4f} +/- {:.4f} ({} chunks of {} tokens, {} scored, KV {}/{}{})\n",
                                    score.perplexity(), score.standard_error(), running.size(), args.context,
                                    score.count(), kv.key_codec, kv.value_codec, evicted));
  }
  Json json;
  json["perplexity"] = score.perplexity();
  json["standard_error"] = score.standard_error();
  json["mean_nll"] = score.mean();
  json["context"] = args.context;
  json["chunks"] = running.size();
  json["tokens_scored"] = score.count();
  json["running"] = running;
  json["seconds"] = seconds;
  json["eviction"] = eviction_json(args.session.eviction.options());
  add_kv(json, kv);
  write_json(json);
}

void perplexity(const PerplexityArgs& args) {
  const std::string text = read_text(args.text);
  const Model model = args.model.load();
  const eval::TextChunks chunks(model.tokenizer(), args.text, text, args.context, args.chunks);
  SessionOptions options = args.session.options(args.model.threads);
  options.context = args.context;
  Session session(model, options);

  Score score;
  std::vector<double> running;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    score_chunk(session, chunks, chunks[i], score);
    running.push_back(score.perplexity());
    fmt::print(stderr, "chunk {} of {}: perplexity {:.4f}\n", i + 1, chunks.size(), running.back());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  write_result(args, score, running, seconds.count(), session.kv_stats());
}

}  // namespace

void add_eval_perplexity(Command& app, Action& action, const Known& known) {
  auto* command = app.add_subcommand(
      "perplexity",
      "Perplexity of a text, cut into chunks of which the second half is scored (as llama-perplexity does)");
  const auto args = std::make_shared<PerplexityArgs>();
  args->model.add_to(*command);
  command->add_option("--text", args->text, "The text; -: standard input")->required()->type_name("FILE");
  command->add_option("--context", args->context, "Tokens in a chunk; default 2048")
      ->range(eval::TextChunks::kContextMin, eval::TextChunks::kContextMax)
      ->type_name("N");
  command->add_option("--chunks", args->chunks, "Chunks to score; 0 (the default): all that the text has")
      ->not_negative()
      ->type_name("N");
  args->session.add_kv_to(*command, known.codecs);
  args->session.eviction.add_to(*command, known.policies);
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { perplexity(*args); }; });
}

}  // namespace pith::tools
