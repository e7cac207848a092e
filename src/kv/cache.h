#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/codec.h"
#include "kv/codec/float_codec.h"
#include "kv/layout.h"
#include "kv/rotation.h"

namespace pith::kv {

/// A sealed page of one KV head: key bytes, then value bytes. Immutable, so that caches may share it.
struct SealedPage {
  RawBuffer bytes;
  std::size_t value_at = 0;

  const std::byte* keys() const { return bytes.data(); }
  const std::byte* values() const { return bytes.data() + value_at; }
};

/// An exact page (open page or sinks) of one KV head: keys, then values, in a FloatCodec's layout.
struct ExactPage {
  std::byte* keys = nullptr;
  std::byte* values = nullptr;
};

/// The pages of one KV head of one layer. Page p covers tokens [64 p, 64 p + 64); pages no query can see any more are
/// null.
struct HeadPages {
  std::vector<std::shared_ptr<const SealedPage>> sealed;
  /// Exact first tokens; empty where nothing is lossy or once no query can see them.
  RawBuffer sinks;
  /// The newest, unfinished page.
  RawBuffer open;
};

/// The KV cache of one sequence. Goals: keys and values stay in the codecs' bytes, sealed page by page; what is held is
/// counted. Non-goals: tokens, models, scheduling. A query sees its own page exactly and all earlier pages as sealed:
/// results do not depend on how a prompt is cut into batches (docs/adr). Used by one thread at a time; work is spread
/// over the given pool.
class Cache {
 public:
  /// Throws Error(kUnsupported) for an unknown codec, kInvalidArgument for a shape it cannot hold.
  Cache(KvShape shape, std::string_view key_codec, std::string_view value_codec, const kernels::KernelTable& kernels);

  const KvShape& shape() const { return shape_; }
  const Codec& key_codec() const { return *key_codec_; }
  const Codec& value_codec() const { return *value_codec_; }
  /// Tokens that every layer holds.
  std::size_t tokens() const { return tokens_; }

  std::size_t sealed_bytes() const;
  std::size_t exact_bytes() const;

  /// Forgets all tokens and returns the memory.
  void clear();

  // For kv/append.cpp and kv/attend.cpp.
  HeadPages& head(std::size_t layer, std::size_t kv_head) { return heads_[layer * shape_.kv_heads + kv_head]; }
  const HeadPages& head(std::size_t layer, std::size_t kv_head) const {
    return heads_[layer * shape_.kv_heads + kv_head];
  }
  const FloatCodec& exact_keys() const { return exact_keys_; }
  const FloatCodec& exact_values() const { return exact_values_; }
  const Rotation* key_rotation() const { return key_codec_->rotated() ? &key_rotation_ : nullptr; }
  const Rotation* value_rotation() const { return value_codec_->rotated() ? &value_rotation_ : nullptr; }
  bool keeps_sinks() const { return !key_codec_->exact() || !value_codec_->exact(); }
  const kernels::KernelTable& kernels() const { return *kernels_; }
  /// Keys and values of an exact page of `tokens` tokens at `memory`.
  ExactPage exact_page(std::byte* memory, std::size_t tokens) const;
  std::size_t exact_page_bytes(std::size_t tokens) const;
  void set_tokens(std::size_t tokens) { tokens_ = tokens; }

 private:
  KvShape shape_;
  const kernels::KernelTable* kernels_;
  std::unique_ptr<const Codec> key_codec_;
  std::unique_ptr<const Codec> value_codec_;
  FloatCodec exact_keys_;
  FloatCodec exact_values_;
  Rotation key_rotation_;
  Rotation value_rotation_;
  std::vector<HeadPages> heads_;
  std::size_t tokens_ = 0;
};

}  // namespace pith::kv
