#pragma once

#include <pith/options.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "kv/cache.h"

namespace pith::model {

/// A session's cache as it was after some tokens, a whole number of pages. Shares its pages.
struct PrefixState {
  std::string config;  ///< What two caches must have in common: codecs by layer.
  std::vector<Token> tokens;
  kv::Cache cache;
};

/// States of the sessions of one model, found by the tokens that led to them: hashes of pages of tokens, each chained
/// to the one before, so that the longest prefix that two sequences share is found page by page. A state lives as long
/// as the session that added it keeps it. Thread-safe.
class PrefixIndex {
 public:
  void add(const std::shared_ptr<const PrefixState>& state);

  struct Match {
    std::shared_ptr<const PrefixState> state;  ///< Null: nothing is shared.
    std::size_t tokens = 0;                    ///< What of it: all, or what its cache can be taken back to.
  };
  /// The longest state that begins `tokens`.
  Match find(const std::string& config, std::span<const Token> tokens) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::vector<std::weak_ptr<const PrefixState>>> by_hash_;
};

}  // namespace pith::model
