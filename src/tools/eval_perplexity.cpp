#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tools/eval.h"
#include "tools/files.h"
#include "tools/model_args.h"
#include "tools/output.h"
#include "tools/summary.h"

namespace pith::tools {
namespace {

/// The least that has a token to score in its second half.
constexpr int kContextMin = 4;
constexpr int kContextMax = 1 << 24;

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

/// -ln softmax(logits)[token].
double negative_log_likelihood(std::span<const float> logits, Token token) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += static_cast<double>(std::exp(logit - largest));
  return std::log(sum) - static_cast<double>(logits[static_cast<std::size_t>(token)] - largest);
}

/// BOS if the tokenizer puts it before a text, -1 if not.
Token leading_bos(const Tokenizer& tokenizer) {
  const std::vector<Token> empty = tokenizer.encode("");
  return !empty.empty() && empty.front() == tokenizer.bos() ? tokenizer.bos() : -1;
}

/// Scores the second half of a chunk: there each token is predicted from at least half a chunk before it.
void score_chunk(Session& session, std::span<const Token> chunk, Score& score) {
  const std::size_t half = chunk.size() / 2;
  session.reset();
  session.feed(chunk.first(half));
  session.feed(chunk.subspan(half, chunk.size() - half - 1), [&](int position, std::span<const float> logits) {
    score.add(negative_log_likelihood(logits, chunk[static_cast<std::size_t>(position) + 1]));
  });
}

/// How many chunks to score. Throws if the text has fewer.
std::size_t count_chunks(const PerplexityArgs& args, std::size_t tokens) {
  const auto context = static_cast<std::size_t>(args.context);
  const std::size_t wanted = args.chunks == 0 ? 1 : static_cast<std::size_t>(args.chunks);
  if (tokens / context < wanted) {
    throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: {} tokens are too few for {} chunk{} of {}", args.text,
                                                         tokens, wanted, wanted == 1 ? "" : "s", args.context));
  }
  return args.chunks == 0 ? tokens / context : wanted;
}

void write_result(const PerplexityArgs& args, const Score& score, const std::vector<double>& running, double seconds,
                  const KvStats& kv) {
  if (args.format == Format::kText) {
    return write_output(fmt::format("perplexity {:.4f} +/- {:.4f} ({} chunks of {} tokens, {} scored, KV {}/{})\n",
                                    score.perplexity(), score.standard_error(), running.size(), args.context,
                                    score.count(), kv.key_codec, kv.value_codec));
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
  add_kv(json, kv);
  write_json(json);
}

void perplexity(const PerplexityArgs& args) {
  const std::string text = read_text(args.text);
  const Model model = args.model.load();
  std::vector<Token> tokens = model.tokenizer().encode(text, {.add_special = true, .parse_special = false});
  const std::size_t chunks = count_chunks(args, tokens.size());
  const Token bos = leading_bos(model.tokenizer());
  SessionOptions options = args.session.options(args.model.threads);
  options.context = args.context;
  Session session(model, options);

  Score score;
  std::vector<double> running;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < chunks; ++i) {
    const auto context = static_cast<std::size_t>(args.context);
    const std::span<Token> chunk = std::span(tokens).subspan(i * context, context);
    if (bos >= 0) chunk.front() = bos;
    score_chunk(session, chunk, score);
    running.push_back(score.perplexity());
    fmt::print(stderr, "chunk {} of {}: perplexity {:.4f}\n", i + 1, chunks, running.back());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  write_result(args, score, running, seconds.count(), session.kv_stats());
}

}  // namespace

void add_eval_perplexity(CLI::App& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand(
      "perplexity",
      "Perplexity of a text, cut into chunks of which the second half is scored (as llama-perplexity does)");
  const auto args = std::make_shared<PerplexityArgs>();
  args->model.add_to(*command);
  command->add_option("--text", args->text, "The text; -: standard input")->required()->type_name("FILE");
  command->add_option("--context", args->context, "Tokens in a chunk; default 2048")
      ->check(CLI::Range(kContextMin, kContextMax))
      ->type_name("N");
  command->add_option("--chunks", args->chunks, "Chunks to score; 0 (the default): all that the text has")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  args->session.add_kv_to(*command, codecs);
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { perplexity(*args); }; });
}

}  // namespace pith::tools
