#pragma once

#include <pith/kv_options.h>
#include <pith/token.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>

#include "session/prefix_index.h"

namespace pith::session {

/// What one session lets others of its model take. It is empty in a session that does not share, and in a fork until
/// that comes to the end of a page.
class PrefixSharing {
 public:
  PrefixSharing() = default;
  explicit PrefixSharing(const KvOptions& kv);

  bool on() const { return !config_.empty(); }
  /// Whether it holds states for others.
  bool holds() const { return !fed_.empty() || decoded_ != nullptr; }
  const std::string& config() const { return config_; }
  /// A sharing session of the same options, with nothing to share yet.
  PrefixSharing fork() const;
  /// Of a feed of `tokens` at `position`: how many to take first so that a batch ends at its last whole page.
  static std::size_t tokens_to_last_page(std::size_t position, std::size_t tokens);
  /// Lets others take the state after `tokens`, a whole number of pages; `fed`: a feed of several tokens led to it.
  void offer(PrefixIndex& index, const kv::Cache& cache, std::span<const Token> tokens, bool fed);
  void clear();

 private:
  std::string config_;
  std::deque<std::shared_ptr<const PrefixState>> fed_;  ///< The newest few ends of feeds.
  std::shared_ptr<const PrefixState> decoded_;          ///< The newest page that single tokens filled.
};

}  // namespace pith::session
