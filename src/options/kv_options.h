#pragma once

#include <pith/kv_options.h>

#include "options/table.h"

namespace pith::options {

// Codecs are checked by name where a cache is made, and layers by the model's number of them.

template <>
struct Table<KvOptions::Layer> {
  using O = KvOptions::Layer;
  static constexpr std::tuple rows{
      option("key", &O::key, "How keys of this layer are kept").saved_since(1, 1),
      option("value", &O::value, "How values of this layer are kept").saved_since(1, 2),
  };
};
static_assert(is_complete<KvOptions::Layer>());

template <>
struct Table<KvOptions> {
  using O = KvOptions;
  static constexpr std::tuple rows{
      option("key", &O::key, "How keys are kept").on_command_line("--kv-k", "TYPE").saved_since(1, 1),
      option("value", &O::value, "How values are kept").on_command_line("--kv-v", "TYPE").saved_since(1, 2),
      option("layers", &O::layers, "Layers that differ, by number from 0").saved_since(1, 3),
      option("codecs", &O::codecs, "Codecs of a program's own").not_saved(),
      option("read_share", &O::read_share, "The share of the cache's pages that a decoded token reads; 1: all")
          .above(0.0, 1.0)
          .on_command_line("--sparse", "SHARE")
          .not_saved(),
      option("read_pages_min", &O::read_pages_min, "Pages that a decoded token reads at least, whatever the share")
          .at_least(0)
          .not_saved(),
      option("page_checksums", &O::page_checksums,
             "Keep a checksum of every page of the cache, and compare it when pages are taken into use again")
          .on_command_line("--page-checksums")
          .not_saved(),
  };
};
static_assert(is_complete<KvOptions>());

}  // namespace pith::options
