#pragma once

#include <array>

#include "kv/codec.h"

namespace pith::kv {

/// Integer codes with one f16 scale a token, in the rotated basis: int8 on a linear grid, int4 on the 16 Lloyd-Max
/// levels of the normal distribution, which rotated vectors follow (TurboQuant_mse, arXiv 2504.19874, section 3.1), the
/// scale refitted by least squares. Keys lose their page's mean first; it is added back exactly as query . mean. Page
/// layout: docs/formats/kv_page.md.
class IntCodec final : public Codec {
 public:
  /// bits is 8 or 4.
  IntCodec(int bits, const kernels::KernelTable& kernels);

  std::string_view name() const override { return bits_ == 8 ? "int8" : "int4"; }
  bool exact() const override { return false; }
  bool rotated() const override { return true; }
  bool reads_split_queries() const override { return true; }

  std::size_t key_page_bytes(std::size_t size) const override;
  std::size_t value_page_bytes(std::size_t size) const override;
  void seal_keys(const float* rows, std::size_t size, std::size_t first, std::byte* page) const override;
  void seal_values(const float* rows, std::size_t size, std::size_t first, std::byte* page) const override;
  void score(const Queries& queries, const std::byte* page, float* scores,
             const ProbabilityScratch& scratch) const override;
  void accumulate(const float* probabilities, std::size_t rows, const std::byte* page, std::size_t size, float* out,
                  const ProbabilityScratch& scratch) const override;

 private:
  std::size_t code_bytes(std::size_t size) const { return kPageTokens * size * static_cast<std::size_t>(bits_) / 8; }
  kernels::CodeDotKernel dot() const { return bits_ == 8 ? kernels_->dot_codes8 : kernels_->dot_codes4; }
  /// Codes of one vector; the scale that fits them.
  float encode(const float* row, std::size_t size, std::uint8_t* codes) const;
  /// Sets code (column, lane) of a tile of `columns` columns.
  void place(std::uint8_t code, std::size_t tile, std::size_t columns, std::size_t column, std::size_t lane,
             std::byte* codes) const;

  int bits_;
  const kernels::KernelTable* kernels_;
};

}  // namespace pith::kv
