#include "kv/cache.h"

#include <utility>

#include "base/fail.h"

namespace pith::kv {
namespace {

/// Open pages and sinks are as exact as the codec asks for: f32 for f32, f16 otherwise.
FloatCodec exact_for(const Codec& codec, const kernels::KernelTable& kernels) {
  return {codec.name() == "f32" ? FloatElement::kF32 : FloatElement::kF16, kernels};
}

KvShape checked(KvShape shape) {
  const bool sizes = shape.key_size > 0 && shape.key_size % kernels::kLanes == 0 && shape.value_size > 0 &&
                     shape.value_size % kernels::kLanes == 0;
  if (!sizes) {
    fail(ErrorKind::kInvalidArgument, "KV heads have {} key and {} value elements; both must be multiples of {}",
         shape.key_size, shape.value_size, kernels::kLanes);
  }
  if (shape.kv_heads == 0 || shape.heads % shape.kv_heads != 0) {
    fail(ErrorKind::kInvalidArgument, "{} query heads do not divide into {} KV heads", shape.heads, shape.kv_heads);
  }
  return shape;
}

}  // namespace

Cache::Cache(KvShape shape, std::string_view key_codec, std::string_view value_codec,
             const kernels::KernelTable& kernels)
    : shape_(checked(std::move(shape))),
      kernels_(&kernels),
      key_codec_(make_codec(key_codec, kernels)),
      value_codec_(make_codec(value_codec, kernels)),
      exact_keys_(exact_for(*key_codec_, kernels)),
      exact_values_(exact_for(*value_codec_, kernels)),
      key_rotation_(shape_.key_size),
      value_rotation_(shape_.value_size),
      heads_(shape_.layers() * shape_.kv_heads) {}

std::size_t Cache::sealed_bytes() const {
  std::size_t bytes = 0;
  for (const HeadPages& head : heads_) {
    for (const auto& page : head.sealed) bytes += page ? page->bytes.size() : 0;
  }
  return bytes;
}

std::size_t Cache::exact_bytes() const {
  std::size_t bytes = 0;
  for (const HeadPages& head : heads_) bytes += head.open.size() + head.sinks.size();
  return bytes;
}

void Cache::clear() {
  for (HeadPages& head : heads_) head = HeadPages{};
  tokens_ = 0;
}

ExactPage Cache::exact_page(std::byte* memory, std::size_t tokens) const {
  return {memory, memory + exact_keys_.page_bytes(shape_.key_size, tokens)};
}

std::size_t Cache::exact_page_bytes(std::size_t tokens) const {
  return exact_keys_.page_bytes(shape_.key_size, tokens) + exact_values_.page_bytes(shape_.value_size, tokens);
}

}  // namespace pith::kv
