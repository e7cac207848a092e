#pragma once

#include <pith/sampling.h>
#include <pith/token.h>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace pith::session {

/// What compact(), drop() and append() have done: tokens alone do not say what the cache holds then.
struct Altered {
  bool any = false;
  bool compacted = false;     ///< compact() was among them.
  std::size_t until = 0;      ///< Tokens after the last one: only marks lead back before that.
  std::ptrdiff_t offset = 0;  ///< The cache's position of the next token, less the number of tokens.

  /// compact(), of so many tokens.
  void compact(std::size_t tokens) {
    any = true;
    compacted = true;
    until = tokens;
  }
  /// `count` tokens were taken out, which left `tokens`.
  void take_out(std::size_t count, std::size_t tokens) {
    any = true;
    until = tokens;
    offset += static_cast<std::ptrdiff_t>(count);
  }
  /// `count` tokens of another cache were put in, which made `tokens`.
  void put_in(std::size_t count, std::size_t tokens) {
    any = true;
    until = tokens;
    offset -= static_cast<std::ptrdiff_t>(count);
  }
  /// Returns the cache's position of the next token after `tokens`, from `until` on.
  std::size_t position(std::size_t tokens) const {
    return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(tokens) + offset);
  }
  /// Returns the number of tokens before a position.
  std::size_t tokens(std::size_t position) const {
    return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(position) - offset);
  }
};

/// What a session is at, besides its cache. Forks copy it, snapshots keep it.
struct State {
  explicit State(Sampler s) : sampler(std::move(s)) {}

  std::vector<Token> tokens;
  /// With sparse reading: which tokens were fed alone. [tokens]
  std::vector<bool> alone;
  /// After the last token. Null: none. Shared with forks until one of them feeds.
  std::shared_ptr<std::vector<float>> logits;
  Sampler sampler;
  Altered altered;
  std::size_t shared_tokens = 0;  ///< Taken over from another session.

  /// The cache's position of the next token.
  std::size_t position() const { return altered.position(tokens.size()); }
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
    altered = {};
    shared_tokens = 0;
  }
};

}  // namespace pith::session
