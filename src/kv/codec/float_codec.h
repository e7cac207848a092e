#pragma once

#include "kv/codec/codec.h"

namespace pith::kv {

enum class FloatElement { kF32, kF16, kBF16 };

/// Float elements in tiles: keys [tokens / 16][size][16 tokens], values [size / 16][tokens][16 dims]. Besides being a
/// codec, this is the format of open pages and of the exact prefix, so its pages may have any multiple of 16 tokens and
/// can be written row by row.
class FloatCodec final : public Codec {
 public:
  FloatCodec(const CodecShape& shape, FloatElement element, const kernels::KernelTable& kernels, bool rotated = false)
      : Codec(shape), element_(element), rotated_(rotated), kernels_(&kernels) {}

  bool exact() const override { return element_ != FloatElement::kBF16; }
  bool wants_rotation() const override { return rotated_; }

  std::size_t bytes_of(std::size_t tokens) const { return shape().size * tokens * element_bytes(); }
  std::size_t page_bytes() const override { return bytes_of(kPageTokens); }
  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override;
  void decode(std::span<const std::byte> page, std::span<float> rows) const override;
  void score(std::span<const float> queries, std::span<const std::byte> page, std::span<float> scores) const override;
  void accumulate(std::span<const float> probabilities, std::span<const std::byte> page,
                  std::span<float> out) const override;
  void score_rows(const Queries& queries, const std::byte* page, float* scores, const PageScratch&) const override {
    score_tokens(queries.values, queries.rows, {page, kPageTokens, kPageTokens}, scores);
  }
  void accumulate_rows(const kernels::SoftmaxStep& step, const std::byte* page, const PageScratch&) const override {
    accumulate_tokens(step, {page, kPageTokens, kPageTokens});
  }

  bool movable() const override { return true; }
  void copy_token(const std::byte* source, std::size_t from, std::byte* target, std::size_t to) const override;

  /// Writes one token's vector [size] into a page of `tokens` tokens.
  void put_row(const float* row, std::size_t tokens, std::size_t token, std::byte* page) const;
  /// Reads the first `count` vectors, a multiple of 16, of such a page: rows [count, size].
  void get_rows(const std::byte* page, std::size_t tokens, std::size_t count, float* rows) const;
  /// The first `count` tokens, a multiple of 16, of a page of `tokens`.
  struct Tokens {
    const std::byte* page;
    std::size_t tokens;
    std::size_t count;
  };
  /// Scores the tokens as score() does; rows of scores are kPageTokens apart.
  void score_tokens(const float* queries, std::size_t rows, const Tokens& keys, float* scores) const;
  /// Adds the values to the running softmax; step.length is values.count.
  void accumulate_tokens(const kernels::SoftmaxStep& step, const Tokens& values) const;

 private:
  std::size_t element_bytes() const { return element_ == FloatElement::kF32 ? 4 : 2; }
  kernels::FloatDotKernel dot() const;
  void accumulate_tokens(const float* probabilities, std::size_t rows, const Tokens& values, float* out) const;
  const kernels::MoveKernels& move() const;
  /// narrow(x, to) converts 16 floats to elements.
  template <typename Element, typename Narrow>
  void put_elements(const float* row, std::size_t tokens, std::size_t token, std::byte* page,
                    const Narrow& narrow) const;

  FloatElement element_;
  bool rotated_;
  const kernels::KernelTable* kernels_;
};

}  // namespace pith::kv
