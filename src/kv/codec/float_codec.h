#pragma once

#include "kv/codec.h"

namespace pith::kv {

enum class FloatElement { kF32, kF16, kBF16 };

/// Float elements in tiles: keys [tokens / 16][size][16 tokens], values [size / 16][tokens][16 dims]. Besides being a
/// codec, it is how open pages and sinks are held, so its pages may have any multiple of 16 tokens and are written row
/// by row.
class FloatCodec final : public Codec {
 public:
  FloatCodec(FloatElement element, const kernels::KernelTable& kernels) : element_(element), kernels_(&kernels) {}

  std::string_view name() const override;
  bool exact() const override { return element_ != FloatElement::kBF16; }
  bool rotated() const override { return false; }
  bool reads_split_queries() const override { return false; }

  std::size_t element_bytes() const { return element_ == FloatElement::kF32 ? 4 : 2; }
  std::size_t page_bytes(std::size_t size, std::size_t tokens) const { return size * tokens * element_bytes(); }
  std::size_t key_page_bytes(std::size_t size) const override { return page_bytes(size, kPageTokens); }
  std::size_t value_page_bytes(std::size_t size) const override { return page_bytes(size, kPageTokens); }

  void seal_keys(const float* rows, std::size_t size, std::size_t first, std::byte* page) const override;
  void seal_values(const float* rows, std::size_t size, std::size_t first, std::byte* page) const override;
  void score(const Queries& queries, const std::byte* page, float* scores, const ProbabilityScratch&) const override {
    score(queries, page, kPageTokens, scores);
  }
  void accumulate(const float* probabilities, std::size_t rows, const std::byte* page, std::size_t size, float* out,
                  const ProbabilityScratch&) const override {
    accumulate(probabilities, rows, page, kPageTokens, size, out);
  }

  /// Writes one token's vector [size] into a page of `tokens` tokens.
  void put_key(const float* row, std::size_t size, std::size_t token, std::byte* page) const;
  void put_value(const float* row, std::size_t size, std::size_t tokens, std::size_t token, std::byte* page) const;
  /// Reads back the first `count` vectors: rows [count, size].
  void get_keys(const std::byte* page, std::size_t size, std::size_t count, float* rows) const;
  void get_values(const std::byte* page, std::size_t size, std::size_t tokens, std::size_t count, float* rows) const;

  /// As the codec's, for a page of `tokens` tokens; scores and probabilities stay kPageTokens apart.
  void score(const Queries& queries, const std::byte* page, std::size_t tokens, float* scores) const;
  void accumulate(const float* probabilities, std::size_t rows, const std::byte* page, std::size_t tokens,
                  std::size_t size, float* out) const;

 private:
  kernels::FloatDotKernel dot() const;
  void put(float value, std::size_t index, std::byte* page) const;
  float get(const std::byte* page, std::size_t index) const;

  FloatElement element_;
  const kernels::KernelTable* kernels_;
};

}  // namespace pith::kv
