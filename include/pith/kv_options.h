#pragma once

#include <pith/export.h>

#include <map>
#include <memory>
#include <string>

namespace pith::inline v0_1 {

class CodecRegistry;

/// How keys and values are stored, by codec name (builtin_codecs() lists them). K and V are chosen apart. And how many
/// of them are read.
struct KvOptions {
  struct Layer {
    /// Empty: like KvOptions::key.
    std::string key{};
    /// Empty: like this layer's `key` where that is given, else like KvOptions::value.
    std::string value{};
  };

  std::string key = "int8";
  /// Empty: like `key`.
  std::string value{};
  /// Layers that differ, by number from 0.
  std::map<int, Layer> layers{};
  /// Codecs of your own, which may be named as well.
  std::shared_ptr<const CodecRegistry> codecs{};
  /// Sparse reading. A token that is fed alone, as decoding does, reads at most this share of the pages (of 64 tokens)
  /// that a KV head of a layer without a window holds; above 0, 1: all. The page being filled and those that the codec
  /// keeps finer for a while are always read, and count; so are the attention sinks. Of the others those are read whose
  /// keys may match the token's queries best, as ranges kept for each page say (Tang et al., 2406.10774). Nothing is
  /// dropped: the next token chooses anew. Tokens that are fed together read everything. Below 1, ranges take memory
  /// (KvStats::summary_bytes), and eviction policies do not see what the tokens of unread pages would have got.
  double read_share = 1.0;
  /// Never fewer pages than this, whatever the share.
  int read_pages_min = 16;
  /// Keeps a checksum (XXH3, 8 bytes) of every sealed page and compares it whenever pages are taken into use again: at
  /// the beginning of a feed of several tokens and of generate(), before pages are compressed further or packed, and
  /// before fork(), save(), compact() and truncate(). What has changed in memory meanwhile is Error(kIntegrity); the
  /// session's next use computes its cache again. Decoding token by token compares nothing.
  bool page_checksums = false;
};

}  // namespace pith::inline v0_1
