#pragma once

#include <memory>

#include "kv/codec/codec.h"

namespace pith::kv {

/// Adapts a codec that implements only the public interface: attention gives it plain rows.
class WrappedCodec final : public Codec {
 public:
  WrappedCodec(std::unique_ptr<const KvCodec> codec, const kernels::KernelTable& kernels)
      : Codec(codec->shape()), codec_(std::move(codec)), kernels_(&kernels) {}

  bool wants_rotation() const override { return codec_->wants_rotation(); }
  std::size_t page_bytes() const override { return codec_->page_bytes(); }
  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override {
    codec_->encode(rows, first, page);
  }
  void decode(std::span<const std::byte> page, std::span<float> rows) const override { codec_->decode(page, rows); }
  void score(std::span<const float> queries, std::span<const std::byte> page, std::span<float> scores) const override {
    codec_->score(queries, page, scores);
  }
  void accumulate(std::span<const float> probabilities, std::span<const std::byte> page,
                  std::span<float> out) const override {
    codec_->accumulate(probabilities, page, out);
  }
  void score_rows(const Queries& queries, const std::byte* page, float* scores,
                  const PageScratch& scratch) const override;
  void accumulate_rows(const kernels::SoftmaxStep& step, const std::byte* page,
                       const PageScratch& scratch) const override;

 private:
  std::unique_ptr<const KvCodec> codec_;
  const kernels::KernelTable* kernels_;
};

}  // namespace pith::kv
