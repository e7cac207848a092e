#include "eval/speed.h"

#include <fmt/format.h>
#include <pith/batch.h>
#include <pith/error.h>
#include <pith/session.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "eval/fail.h"

namespace pith::eval {
namespace {

/// Tokens of a session's first, unmeasured run, which touches its memory and wakes its threads.
constexpr int kWarmUpTokens = 256;
/// Smaller amounts are meaningless (and too small for measure_read()).
constexpr std::size_t kReadBytesMin = std::size_t{1} << 20;

std::vector<int> ascending(std::vector<int> depths) {
  std::sort(depths.begin(), depths.end());
  depths.erase(std::unique(depths.begin(), depths.end()), depths.end());
  return depths;
}

void check(const Model& model, const SpeedOptions& options) {
  const auto refuse = [](const std::string& why) { fail(ErrorKind::kInvalidArgument, "{}", why); };
  if (options.caches.empty()) refuse("no KV cache to measure");
  if (options.depths.empty()) refuse("no depth to measure at");
  if (options.prompt < 0 || options.decode < 0 || std::int64_t{options.prompt} + options.decode == 0) {
    refuse(fmt::format("a prompt of {} and {} decoded tokens: nothing to measure", options.prompt, options.decode));
  }
  if (options.parallel < 1) refuse(fmt::format("parallel is {}, must be at least 1", options.parallel));
  if (options.rounds < 1) refuse(fmt::format("rounds is {}, must be at least 1", options.rounds));
  const auto [least, most] = std::minmax_element(options.depths.begin(), options.depths.end());
  if (*least < 0) refuse(fmt::format("a depth is {}, must be at least 0", *least));
  const int context = options.context == 0 ? model.info().context_trained : options.context;
  const std::int64_t needed = std::int64_t{*most} + options.prompt + options.decode;
  if (needed > context) {
    fail(ErrorKind::kContextFull,
         "a depth of {}, a prompt of {} and {} decoded tokens are {} tokens, the context is {}", *most, options.prompt,
         options.decode, needed, context);
  }
}

/// The same on every machine.
std::vector<Token> random_tokens(const Model& model, std::size_t count) {
  std::mt19937 engine(1);
  const auto vocab = static_cast<std::uint32_t>(model.tokenizer().vocab_size());
  std::vector<Token> tokens(count);
  for (Token& token : tokens) token = static_cast<Token>(engine() % vocab);
  return tokens;
}

/// Returns the operations of matrices and attention for a prompt. In every layer, a token needs heads * (key size +
/// value size) products with each token that it sees. For each KV head that is as many elements as a float16 cache
/// would hold, so that the bytes of such a cache account for windows too.
double operations(const Model& model, const KvOptions& kv, int depth, int prompt) {
  const ModelInfo& info = model.info();
  const double matrices =
      2.0 * (static_cast<double>(info.layer_parameters) * prompt + static_cast<double>(info.output_parameters));
  const auto elements = [&](int tokens) { return static_cast<double>(predict_kv(model, kv, tokens).bytes_f16) / 2; };
  const double seen = (elements(depth) + elements(depth + prompt)) / 2 * prompt;
  return matrices + 2.0 * seen * info.heads / info.kv_heads;
}

/// The session of one cache, with the measurements made on it.
class Lane {
 public:
  Lane(const Model& model, const SpeedOptions& options, const KvOptions& kv, std::span<const Token> tokens)
      : options_(options),
        tokens_(tokens),
        session_(make_session(model, options, kv)),
        batch_(make_batch(model, options)) {
    // Not forks: those would share the bytes of their caches.
    for (int i = 0; options.parallel > 1 && i < options.parallel; ++i)
      company_.push_back(make_session(model, options, kv));
    cache_.kv = kv;
    for (const int depth : ascending(options.depths)) {
      SpeedRow row;
      row.depth = depth;
      row.prompt.tokens = options.prompt;
      row.prompt.depth = depth;
      row.decode.tokens = options.decode;
      row.decode.depth = depth + options.prompt;
      row.together.tokens = options.parallel > 1 ? options.decode * options.parallel : 0;
      row.together.depth = row.decode.depth;
      if (options.prompt > 0) row.prompt_operations = operations(model, kv, depth, options.prompt);
      cache_.rows.push_back(row);
    }
    weight_bytes_ = static_cast<double>(model.info().token_weight_bytes);
  }

  void warm_up() {
    feed(std::min(kWarmUpTokens, static_cast<int>(tokens_.size())));
    session_.reset();
  }

  template <typename Done>
  void run_round(const Done& done) {
    for (SpeedRow& row : cache_.rows) {
      if (session_.position() > row.depth) session_.reset();
      feed(row.depth - session_.position());
      if (options_.prompt > 0) row.prompt.seconds.push_back(seconds_of([&] { feed(options_.prompt); }));
      if (options_.decode > 0) decode(row);
      if (row.together.tokens > 0) decode_together(row);
      row.kv_stats = session_.kv_stats();
      done(row);
    }
    session_.reset();
    for (Session& session : company_) session.reset();
  }

  const KvOptions& kv() const { return cache_.kv; }
  SpeedCache take() && { return std::move(cache_); }

 private:
  static Session make_session(const Model& model, const SpeedOptions& options, const KvOptions& kv) {
    SessionOptions session;
    session.kv = kv;
    session.context = options.context;
    session.threads = options.threads;
    return Session(model, session);
  }

  static Batch make_batch(const Model& model, const SpeedOptions& options) {
    BatchOptions batch;
    batch.threads = options.threads;
    return Batch(model, batch);
  }

  template <typename Work>
  static double seconds_of(const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  /// Feeds the next tokens as one batch.
  void feed(int count) {
    if (count > 0) {
      session_.feed(tokens_.subspan(static_cast<std::size_t>(session_.position()), static_cast<std::size_t>(count)));
    }
  }

  void decode(SpeedRow& row) {
    const auto held = [&] { return static_cast<double>(session_.kv_stats().bytes); };
    const double before = held();
    row.decode.seconds.push_back(seconds_of([&] {
      for (int i = 0; i < options_.decode; ++i) feed(1);
    }));
    row.decode_bytes = weight_bytes_ + (before + held()) / 2;
  }

  /// Feeds each of the sessions that decode together its next tokens.
  void feed_together(int count) {
    for (Session& session : company_) {
      const auto at = static_cast<std::size_t>(session.position());
      batch_.add(session, tokens_.subspan(at, static_cast<std::size_t>(count)));
    }
    batch_.run();
    batch_.rethrow_error();
  }

  void decode_together(SpeedRow& row) {
    for (Session& session : company_) {
      if (session.position() > row.decode.depth) session.reset();
    }
    if (const int missing = row.decode.depth - company_.front().position(); missing > 0) feed_together(missing);
    row.together.seconds.push_back(seconds_of([&] {
      for (int i = 0; i < options_.decode; ++i) feed_together(1);
    }));
  }

  const SpeedOptions& options_;
  std::span<const Token> tokens_;
  Session session_;
  std::vector<Session> company_;  ///< Those that decode together.
  Batch batch_;
  SpeedCache cache_;
  double weight_bytes_ = 0;
};

/// Keeps the best values of all rounds.
void measure_limits_into(SpeedResult& result, const Model& model, int threads) {
  const MachineLimits now = measure_limits({.threads = threads});
  const std::size_t weights = std::max(kReadBytesMin, std::size_t{model.info().token_weight_bytes});
  const double weights_rate = measure_read({.threads = threads, .read_bytes = weights});
  if (!result.limits) result.limits = now;
  MachineLimits& best = *result.limits;
  best.read_bytes_per_second = std::max(best.read_bytes_per_second, now.read_bytes_per_second);
  best.int8_ops_per_second = std::max(best.int8_ops_per_second, now.int8_ops_per_second);
  result.weights_read_bytes_per_second = std::max(result.weights_read_bytes_per_second, weights_rate);
}

}  // namespace

SpeedResult measure_speed(const Model& model, const SpeedOptions& options, const SpeedProgress& on_step) {
  check(model, options);
  const auto size = [](int tokens) { return static_cast<std::size_t>(tokens); };
  const int deepest = *std::max_element(options.depths.begin(), options.depths.end());
  const std::vector<Token> tokens = random_tokens(model, size(deepest) + size(options.prompt) + size(options.decode));
  std::vector<Lane> lanes;
  lanes.reserve(options.caches.size());
  for (const KvOptions& kv : options.caches) lanes.emplace_back(model, options, kv, tokens);
  for (Lane& lane : lanes) lane.warm_up();
  SpeedResult result;
  for (int round = 1; round <= options.rounds; ++round) {
    SpeedStep step;
    step.round = round;
    step.rounds = options.rounds;
    if (options.limits) {
      measure_limits_into(result, model, options.threads);
      step.limits = &*result.limits;
      if (on_step) on_step(step);
    }
    for (Lane& lane : lanes) {
      lane.run_round([&](const SpeedRow& row) {
        step.kv = &lane.kv();
        step.row = &row;
        if (on_step) on_step(step);
      });
    }
  }
  for (Lane& lane : lanes) result.caches.push_back(std::move(lane).take());
  return result;
}

}  // namespace pith::eval
