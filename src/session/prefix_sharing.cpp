#include "session/prefix_sharing.h"

#include <fmt/format.h>

namespace pith::session {
namespace {

/// States that a session keeps for others: each may hold pages that the session itself no longer needs.
constexpr std::size_t kStatesMax = 4;

}  // namespace

PrefixSharing::PrefixSharing(const KvOptions& kv)
    : config_(
          fmt::format("{}|{}|{}|{}", kv.key, kv.value, kv.page_checksums, static_cast<const void*>(kv.codecs.get()))) {
  for (const auto& [layer, codec] : kv.layers) config_ += fmt::format("|{}:{}|{}", layer, codec.key, codec.value);
}

PrefixSharing PrefixSharing::fork() const {
  PrefixSharing sharing;
  sharing.config_ = config_;
  return sharing;
}

std::size_t PrefixSharing::tokens_to_last_page(std::size_t position, std::size_t tokens) {
  const std::size_t last = (position + tokens) / kv::kPageTokens * kv::kPageTokens;
  return last > position ? last - position : tokens;
}

void PrefixSharing::offer(PrefixIndex& index, const kv::Cache& cache, std::span<const Token> tokens, bool fed) {
  auto state = std::make_shared<const PrefixState>(
      PrefixState{config_, std::vector<Token>(tokens.begin(), tokens.end()), cache});
  index.add(state);
  if (!fed) {
    decoded_ = std::move(state);
    return;
  }
  fed_.push_back(std::move(state));
  if (fed_.size() > kStatesMax) fed_.pop_front();
}

void PrefixSharing::clear() {
  fed_.clear();
  decoded_.reset();
}

}  // namespace pith::session
