#include "session/reconstruction.h"

#include <algorithm>
#include <string>
#include <vector>

#include "model/runner.h"

namespace pith::session {
namespace {

/// Tokens of a part; as in the paper.
constexpr std::size_t kPartTokens = 2048;
/// Tokens that a later part is announced by.
constexpr std::size_t kCueTokens = 8;

/// What is fed to repeat context [first, first + count): a question, and the part itself.
std::vector<Token> repetition(const Tokenizer& tokenizer, std::span<const Token> context, std::size_t first,
                              std::size_t count) {
  const EncodeOptions plain{.add_special = false, .parse_special = false};
  const std::string begin = first == 0 ? "\n\nRepeat the previous context exactly."
                                       : "\n\nRepeat the part of the previous context exactly, starting with";
  std::vector<Token> tokens = tokenizer.encode(begin, plain);
  if (first != 0) {
    const std::span<const Token> cue =
        context.subspan(first - std::min(first, kCueTokens), std::min(first, kCueTokens));
    tokens.insert(tokens.end(), cue.begin(), cue.end());
  }
  const std::vector<Token> end = tokenizer.encode("\n", plain);
  tokens.insert(tokens.end(), end.begin(), end.end());
  const std::span<const Token> part = context.subspan(first, count);
  tokens.insert(tokens.end(), part.begin(), part.end());
  return tokens;
}

}  // namespace

kv::Observer reconstruct(const Model& model, const kv::Cache& cache, ThreadPool& pool, std::span<const Token> context,
                         const PolicyNeeds& needs, std::size_t batch_tokens) {
  kv::Observer total(needs, cache.heads().size());
  for (std::size_t first = 0; first < context.size(); first += kPartTokens) {
    const std::size_t count = std::min(kPartTokens, context.size() - first);
    const std::vector<Token> tokens = repetition(model.tokenizer(), context, first, count);
    kv::Cache fork = cache.observing(needs);
    model::Runner runner(*model.impl(), pool, kv::ScratchLayout(fork), std::min(tokens.size(), batch_tokens),
                         batch_tokens);
    for (std::span<const Token> left = tokens; !left.empty();) {
      const std::span<const Token> batch = left.first(std::min(left.size(), batch_tokens));
      fork.observers().begin_batch(fork.tokens(), batch.size(), fork.tokens() + left.size());
      const model::Step step = {&fork, batch};
      runner.run(std::span(&step, 1));
      left = left.subspan(batch.size());
    }
    kv::take_from_fork(total, cache, fork);
  }
  return total;
}

}  // namespace pith::session
