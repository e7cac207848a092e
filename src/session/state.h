#pragma once

#include <pith/sampling.h>
#include <pith/token.h>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace pith::session {

/// What a session is at, besides its cache. Forks copy it, snapshots keep it.
struct State {
  explicit State(Sampler s) : sampler(std::move(s)) {}

  std::vector<Token> tokens;
  /// With sparse reading: which tokens were fed alone. [tokens]
  std::vector<bool> alone;
  /// After the last token. Null: none. Shared with forks until one of them feeds.
  std::shared_ptr<std::vector<float>> logits;
  Sampler sampler;
  bool compacted = false;         ///< compact() evicted something.
  std::size_t shared_tokens = 0;  ///< Taken over from another session.

  void keep_logits(std::span<const float> row) {
    // Those that a fork shares stay what they are.
    if (logits == nullptr || logits.use_count() > 1) logits = std::make_shared<std::vector<float>>();
    logits->assign(row.begin(), row.end());
  }
  /// Forgets all tokens; the sampler stays.
  void clear() {
    tokens.clear();
    alone.clear();
    logits.reset();
    compacted = false;
    shared_tokens = 0;
  }
};

}  // namespace pith::session
