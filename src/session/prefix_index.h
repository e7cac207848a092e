#pragma once

#include <pith/token.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "kv/core/cache.h"

namespace pith::session {

/// A session's cache as it was after some whole number of pages of tokens. Shares its pages.
struct PrefixState {
  std::string config;  ///< What two caches must have in common: the codecs of each layer.
  std::vector<Token> tokens;
  kv::Cache cache;
};

/// States of the sessions of one model (Attachments), indexed by the tokens that led to them. Each page of tokens has a
/// hash chained to that of the previous page, so the longest prefix that two sequences share is found page by page. A
/// state lives as long as the session that added it keeps it. Thread-safe.
class PrefixIndex {
 public:
  void add(const std::shared_ptr<const PrefixState>& state);

  struct Match {
    std::shared_ptr<const PrefixState> state;  ///< Null: nothing is shared.
    /// How many tokens of it are usable: all, or as many as its cache can be truncated to.
    std::size_t tokens = 0;
  };
  /// Returns the state that shares the longest prefix with `tokens`.
  Match find(const std::string& config, std::span<const Token> tokens) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::vector<std::weak_ptr<const PrefixState>>> by_hash_;
};

}  // namespace pith::session
