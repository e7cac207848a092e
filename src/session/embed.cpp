#include <cmath>

#include "base/fail.h"
#include "model/runner.h"
#include "session/cache.h"
#include "session/session_impl.h"

namespace pith {

bool Session::Impl::read_whole(std::span<const Token> tokens, const std::stop_token& stop,
                               const session::FeedSinks& sinks) const {
  check_tokens(tokens);
  if (stop.stop_requested()) return false;
  kv::Cache cache = session::make_cache(model_, kv_, {}, nullptr);
  model::Runner runner(*model_.impl(), *pool_, kv::ScratchLayout(cache), tokens.size(), tokens.size());
  const model::Step step{&cache, tokens, false};
  runner.run({&step, 1});
  runner.hidden(0, tokens.size(),
                [&](std::size_t row, std::span<const float> hidden) { sinks.hidden(static_cast<int>(row), hidden); });
  return true;
}

std::vector<float> Session::Impl::embed(std::span<const Token> tokens, const EmbedOptions& options,
                                        const std::stop_token& stop) {
  if (tokens.empty()) fail(ErrorKind::kInvalidArgument, "there are no tokens to embed");
  Pooling pooling = options.pooling == Pooling::kModel ? model_.info().pooling : options.pooling;
  if (pooling == Pooling::kModel) pooling = Pooling::kMean;
  const int first = static_cast<int>(state_.tokens.size());
  const int last = first + static_cast<int>(tokens.size()) - 1;
  // In double, token by token, so that batches make no difference.
  std::vector<double> pooled(static_cast<std::size_t>(model_.info().embedding));
  const auto add = [&](std::span<const float> hidden) {
    for (std::size_t i = 0; i < hidden.size(); ++i) pooled[i] += static_cast<double>(hidden[i]);
  };
  session::FeedSinks sinks;
  sinks.hidden = [&](int position, std::span<const float> hidden) {
    const bool counts = pooling == Pooling::kMean || (pooling == Pooling::kLast && position == last) ||
                        (pooling == Pooling::kFirst && position == first);
    if (counts) add(hidden);
  };
  if (!(model_.info().encoder ? read_whole(tokens, stop, sinks) : feed(tokens, stop, sinks))) return {};
  double factor = pooling == Pooling::kMean ? 1.0 / static_cast<double>(tokens.size()) : 1.0;
  if (options.normalize) {
    double squares = 0.0;
    for (const double x : pooled) squares += x * x;
    // A vector of zeros has no direction: it stays what it is.
    if (squares > 0.0) factor = 1.0 / std::sqrt(squares);
  }
  std::vector<float> result(pooled.size());
  for (std::size_t i = 0; i < pooled.size(); ++i) result[i] = static_cast<float>(pooled[i] * factor);
  return result;
}

}  // namespace pith
