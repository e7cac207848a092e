#pragma once

#include <pith/codec.h>
#include <pith/eviction.h>
#include <pith/ranks.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kv/core/byte_counter.h"
#include "kv/core/rotary.h"
#include "kv/layout/layout.h"

namespace pith::kv {

/// How many of its pages a KV head of a layer without a window reads for the queries of a single token.
struct SparseReading {
  double share = 1.0;
  /// Lower bound of the pages read.
  std::size_t pages_min = 0;

  bool on() const { return share < 1.0; }
  /// Returns how many of `held` pages are read.
  std::size_t pages(std::size_t held) const {
    return std::max(pages_min, static_cast<std::size_t>(share * static_cast<double>(held)));
  }
};

/// One layer: its shape and the names of its codecs.
struct LayerOptions {
  LayerShape shape;
  std::string key, value;
  /// How positions rotate its queries and keys. While it is empty, there are no query statistics and no shifts.
  Rotary rotary{};
};

/// All that a cache is told when it is made. Forks share it.
struct CacheOptions {
  std::vector<LayerOptions> layers;
  /// Of recurrent layers, which cache no tokens: floats of the state of each.
  std::vector<std::size_t> states{};
  /// Codecs besides the built-in ones.
  std::shared_ptr<const CodecRegistry> codecs{};
  /// Queries at positions from `trained` on see tokens at their distance among those held (shifts.h).
  std::size_t trained = std::numeric_limits<std::size_t>::max();
  /// If on, the cache keeps key ranges, which pages are chosen by.
  SparseReading sparse{};
  /// How pages are kept.
  PageKeeping pages{};
  /// Null: this process holds all of the cache.
  std::shared_ptr<Ranks> ranks{};
  /// What the eviction policies need that are going to decide.
  std::vector<PolicyNeeds> observed{};
};

}  // namespace pith::kv
