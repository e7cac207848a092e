#include "eval/logit_rows.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

namespace pith::eval {
namespace {

constexpr std::size_t kPieceTokens = 128;
constexpr std::size_t kPieceElements = std::size_t{1} << 24;

std::size_t threads_of(int threads) {
  return threads > 0 ? static_cast<std::size_t>(threads)
                     : std::max(std::size_t{1}, std::size_t{std::thread::hardware_concurrency()});
}

/// Calls work(i) for each i in [0, count) from several threads.
template <typename Work>
void share_out(std::size_t count, std::size_t threads, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  // The destructors of futures wait, also when an exception passes, and get() rethrows what their thread threw.
  std::vector<std::future<void>> helpers;
  helpers.reserve(threads);
  for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.push_back(std::async(std::launch::async, take));
  take();
  for (std::future<void>& helper : helpers) helper.get();
}

/// `next` is the true token after the row's token.
KlScore score_row(const LogitRows& baseline, const LogitRows& other, std::size_t row, Token next) {
  KlScore score;
  score.kl = kl_divergence(baseline.logits(row), baseline.softmax(row), other.logits(row), other.softmax(row));
  score.nll = negative_log_likelihood(other.logits(row), other.softmax(row), next);
  score.baseline_nll = negative_log_likelihood(baseline.logits(row), baseline.softmax(row), next);
  score.top_agrees = baseline.softmax(row).top() == other.softmax(row).top();
  return score;
}

}  // namespace

LogitRows::LogitRows(std::size_t vocab, int threads) : vocab_(vocab), threads_(threads_of(threads)) {
  const std::size_t rows = std::clamp(kPieceElements / vocab, std::size_t{1}, kPieceTokens);
  logits_.resize(rows * vocab);
  softmax_.resize(rows);
}

void LogitRows::take(Session& session, std::span<const Token> piece, bool one_by_one) {
  const int first = session.position();
  const std::size_t step = one_by_one ? 1 : piece.size();
  for (std::size_t at = 0; at < piece.size(); at += step) {
    session.feed_logits(piece.subspan(at, step), [&](int position, std::span<const float> logits) {
      const auto row = static_cast<std::size_t>(position - first);
      std::copy(logits.begin(), logits.end(), logits_.begin() + static_cast<std::ptrdiff_t>(row * vocab_));
    });
  }
  share_out(piece.size(), threads_, [&](std::size_t row) { softmax_[row].assign(logits(row)); });
}

void score_rows(const LogitRows& baseline, const LogitRows& other, std::span<const Token> next, int threads,
                std::vector<KlScore>& scores) {
  const std::size_t before = scores.size();
  scores.resize(before + next.size());
  share_out(next.size(), threads_of(threads),
            [&](std::size_t row) { scores[before + row] = score_row(baseline, other, row, next[row]); });
}

}  // namespace pith::eval
