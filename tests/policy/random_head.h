#pragma once

#include <pith/eviction.h>

#include <random>
#include <vector>

namespace pith::policy {

/// A head of random tokens at positions with gaps, as after earlier decisions.
struct RandomHead {
  explicit RandomHead(std::size_t tokens, unsigned seed = 1, std::size_t key_size = 16, std::size_t value_size = 8) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0, 1);
    std::exponential_distribution<float> exponential(1);
    std::int32_t position = 0;
    for (std::size_t t = 0; t < tokens; ++t) {
      positions.push_back(position);
      pages.push_back(position / 64);
      position += 1 + static_cast<std::int32_t>(generator() % 3);
      attention.push_back(exponential(generator));
    }
    keys.resize(tokens * key_size);
    values.resize(tokens * value_size);
    for (float& x : keys) x = normal(generator);
    for (float& x : values) x = normal(generator);
    next = position;
    sizes = {key_size, value_size};
  }

  HeadView view() const {
    HeadView head;
    head.layers = 4;
    head.kv_heads = 2;
    head.position = next;
    head.positions = positions;
    head.pages = pages;
    head.attention = attention;
    head.keys = keys;
    head.values = values;
    head.key_size = sizes[0];
    head.value_size = sizes[1];
    head.scale = 0.25F;
    return head;
  }

  std::vector<float> key(std::size_t token) const {
    const auto at = keys.begin() + static_cast<std::ptrdiff_t>(token * sizes[0]);
    return {at, at + static_cast<std::ptrdiff_t>(sizes[0])};
  }
  std::vector<float> value(std::size_t token) const {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(token * sizes[1]);
    return {at, at + static_cast<std::ptrdiff_t>(sizes[1])};
  }

  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> pages;
  std::vector<float> attention;
  std::vector<float> keys;
  std::vector<float> values;
  std::int32_t next = 0;
  std::vector<std::size_t> sizes;
};

/// Returns the scores that the policy of that name gives a head.
inline std::vector<float> scores_of(std::string_view policy, const HeadView& head,
                                    const PolicyParameters& parameters = {}) {
  std::vector<float> scores(head.tokens());
  make_policy(policy, parameters)->score(head, scores);
  return scores;
}

inline std::vector<std::uint8_t> protected_by(std::string_view policy, const HeadView& head,
                                              const PolicyParameters& parameters = {}) {
  std::vector<std::uint8_t> kept(head.tokens());
  make_policy(policy, parameters)->protect(head, kept);
  return kept;
}

}  // namespace pith::policy
