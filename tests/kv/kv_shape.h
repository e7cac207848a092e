#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kv/core/cache_options.h"

namespace pith::kv {

/// The shape of a cache whose layers differ in their windows alone.
struct KvShape {
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  std::vector<std::size_t> windows;  ///< By layer

  std::size_t layers() const { return windows.size(); }
  std::size_t group() const { return heads / kv_heads; }
  LayerShape layer(std::size_t number) const { return {heads, kv_heads, key_size, value_size, windows[number]}; }
};

/// Returns options of a cache with the same codecs in every layer.
inline CacheOptions uniform(const KvShape& shape, const std::string& key, const std::string& value) {
  CacheOptions options;
  for (std::size_t layer = 0; layer < shape.layers(); ++layer)
    options.layers.push_back({shape.layer(layer), key, value});
  return options;
}

}  // namespace pith::kv
