#include "session/prefix_index.h"

#include <pith/random.h>

#include <algorithm>
#include <functional>

#include "kv/core/rewind.h"

namespace pith::session {
namespace {

using kv::kPageTokens;

/// Returns one hash per page, of all tokens up to the page's end.
std::vector<std::uint64_t> chained_hashes(const std::string& config, std::span<const Token> tokens) {
  std::vector<std::uint64_t> hashes;
  std::uint64_t hash = std::hash<std::string>()(config);
  for (std::size_t i = 0; i < tokens.size() / kPageTokens * kPageTokens; ++i) {
    hash += static_cast<std::uint32_t>(tokens[i]);
    hash = split_mix(hash);
    if ((i + 1) % kPageTokens == 0) hashes.push_back(hash);
  }
  return hashes;
}

}  // namespace

void PrefixIndex::add(const std::shared_ptr<const PrefixState>& state) {
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t hash : chained_hashes(state->config, state->tokens)) {
    auto& states = by_hash_[hash];
    std::erase_if(states, [](const auto& each) { return each.expired(); });
    states.push_back(state);
  }
  // Removes states that no session keeps any more.
  std::erase_if(by_hash_, [](auto& entry) {
    return std::all_of(entry.second.begin(), entry.second.end(), [](const auto& each) { return each.expired(); });
  });
}

PrefixIndex::Match PrefixIndex::find(const std::string& config, std::span<const Token> tokens) const {
  const std::vector<std::uint64_t> hashes = chained_hashes(config, tokens);
  const std::lock_guard lock(mutex_);
  for (std::size_t pages = hashes.size(); pages > 0; --pages) {
    const auto found = by_hash_.find(hashes[pages - 1]);
    if (found == by_hash_.end()) continue;
    const std::size_t count = pages * kPageTokens;
    for (const auto& each : found->second) {
      const std::shared_ptr<const PrefixState> state = each.lock();
      if (!state || state->config != config || state->tokens.size() < count) continue;
      if (!std::equal(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count), state->tokens.begin())) {
        continue;
      }
      if (state->tokens.size() == count || kv::can_rewind(state->cache, count)) return {state, count};
    }
  }
  return {};
}

}  // namespace pith::session
