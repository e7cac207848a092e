#include "kv/codec/turboquant.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "kv/codec/bit_pack.h"
#include "kv/codec/random_matrix.h"
#include "kv/codec/scalar_codebook.h"
#include "kv/codec/stored_half.h"
#include "kv/codec/unit_rows.h"

namespace pith::kv {
namespace {

constexpr std::size_t kTokens = KvCodec::kPageTokens;
constexpr std::size_t kHalves = 2 * kTokens;

/// Seeds number the two matrices of each draw in the order of use. The paper's errors and bias of TurboQuant_prod are
/// means over all sketches S; for a single S they deviate by a standard deviation of 2 to 4 % at size 64, and by less
/// as sizes grow.
std::uint64_t rotation_seed(const CodecShape& shape) { return 2 * shape.draw + 1; }
std::uint64_t sketch_seed(const CodecShape& shape) { return 2 * shape.draw + 2; }

/// Quant_mse and DeQuant_mse of Algorithm 1, on rows of norm 1.
class MseQuantizer {
 public:
  MseQuantizer(const CodecShape& shape, std::size_t bits, const kernels::KernelTable& kernels)
      : rotation_(RandomMatrix::orthogonal(shape.size, rotation_seed(shape), kernels)),
        codebook_(sphere_codebook(shape.size, bits)) {}

  std::size_t bits() const { return codebook_.bits(); }

  std::vector<std::uint8_t> quantize(const std::vector<float>& rows) const {
    std::vector<float> rotated(rows.size());
    rotation_.apply(rows.data(), rows.size() / rotation_.size(), rotated.data());
    std::vector<std::uint8_t> codes(rows.size());
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = codebook_.nearest(rotated[i]);
    return codes;
  }

  void dequantize(std::span<const std::uint8_t> codes, float* rows) const {
    std::vector<float> rotated(codes.size());
    for (std::size_t i = 0; i < codes.size(); ++i) rotated[i] = codebook_.levels()[codes[i]];
    rotation_.apply_transposed(rotated.data(), codes.size() / rotation_.size(), rows);
  }

 private:
  RandomMatrix rotation_;
  ScalarCodebook codebook_;
};

/// Packs the codes of a whole page [kTokens, size]: zeros for the rows before `first`, then those given.
void pack_rows(const std::vector<std::uint8_t>& codes, std::size_t first, std::size_t size, std::size_t bits,
               std::byte* to) {
  std::vector<std::uint8_t> all(first * size, 0);
  all.insert(all.end(), codes.begin(), codes.end());
  pack_codes(all, bits, to);
}

/// Stores the norms of a whole page likewise.
void put_norms(const std::vector<double>& norms, std::size_t first, std::byte* to) {
  for (std::size_t t = 0; t < kTokens; ++t) put_half(t < first ? 0.0 : norms[t - first], t, to);
}

void scale_rows(const std::byte* norms, std::size_t size, std::span<float> rows) {
  for (std::size_t t = 0; t < kTokens; ++t) {
    const float norm = get_half(norms, t);
    for (float& x : rows.subspan(t * size, size)) x *= norm;
  }
}

class TurboQuantMse final : public KvCodec {
 public:
  TurboQuantMse(const CodecShape& shape, const kernels::KernelTable& kernels, std::size_t bits)
      : KvCodec(shape), quantizer_(shape, bits, kernels) {}

  std::size_t page_bytes() const override { return kHalves + packed_bytes(kTokens * shape().size, quantizer_.bits()); }

  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override {
    const std::size_t size = shape().size;
    const UnitRows unit = unit_rows(rows.subspan(first * size), size);
    put_norms(unit.norms, first, page.data());
    pack_rows(quantizer_.quantize(unit.rows), first, size, quantizer_.bits(), &page[kHalves]);
  }

  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    std::vector<std::uint8_t> codes(rows.size());
    unpack_codes(&page[kHalves], quantizer_.bits(), codes);
    quantizer_.dequantize(codes, rows.data());
    scale_rows(page.data(), shape().size, rows);
  }

 private:
  MseQuantizer quantizer_;
};

class TurboQuantProd final : public KvCodec {
 public:
  TurboQuantProd(const CodecShape& shape, const kernels::KernelTable& kernels, std::size_t bits)
      : KvCodec(shape),
        quantizer_(shape, bits - 1, kernels),
        sketch_(RandomMatrix::gaussian(shape.size, sketch_seed(shape), kernels)) {}

  std::size_t page_bytes() const override { return signs_at() + packed_bytes(kTokens * shape().size, 1); }

  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override {
    const std::size_t size = shape().size;
    UnitRows unit = unit_rows(rows.subspan(first * size), size);
    put_norms(unit.norms, first, page.data());
    if (has_codes()) {
      const std::vector<std::uint8_t> codes = quantizer_.quantize(unit.rows);
      pack_rows(codes, first, size, quantizer_.bits(), &page[codes_at()]);
      std::vector<float> coarse(unit.rows.size());
      quantizer_.dequantize(codes, coarse.data());
      for (std::size_t i = 0; i < coarse.size(); ++i) unit.rows[i] -= coarse[i];
      put_norms(unit_rows(unit.rows, size).norms, first, &page[kHalves]);
    }
    std::vector<float> sketched(unit.rows.size());
    sketch_.apply(unit.rows.data(), unit.norms.size(), sketched.data());
    std::vector<std::uint8_t> signs(sketched.size());
    for (std::size_t i = 0; i < signs.size(); ++i) signs[i] = sketched[i] > 0.0F ? 1 : 0;
    pack_rows(signs, first, size, 1, &page[signs_at()]);
  }

  // Lines 9 to 12 of Algorithm 2: x~ = DeQuant_mse(codes) + sqrt(pi / 2) / size * |r| * S^T signs.
  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    const std::size_t size = shape().size;
    std::vector<std::uint8_t> codes(rows.size());
    unpack_codes(&page[signs_at()], 1, codes);
    const double unit = std::sqrt(0.5 * std::numbers::pi) / static_cast<double>(size);
    std::vector<float> signs(rows.size());
    for (std::size_t t = 0; t < kTokens; ++t) {
      const auto scale = static_cast<float>(unit * (has_codes() ? get_half(&page[kHalves], t) : 1.0F));
      for (std::size_t i = t * size; i < (t + 1) * size; ++i) signs[i] = codes[i] != 0 ? scale : -scale;
    }
    sketch_.apply_transposed(signs.data(), kTokens, rows.data());
    if (has_codes()) {
      unpack_codes(&page[codes_at()], quantizer_.bits(), codes);
      std::vector<float> coarse(rows.size());
      quantizer_.dequantize(codes, coarse.data());
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += coarse[i];
    }
    scale_rows(page.data(), size, rows);
  }

 private:
  bool has_codes() const { return quantizer_.bits() > 0; }
  std::size_t codes_at() const { return kHalves + (has_codes() ? kHalves : 0); }
  std::size_t signs_at() const { return codes_at() + packed_bytes(kTokens * shape().size, quantizer_.bits()); }

  MseQuantizer quantizer_;
  RandomMatrix sketch_;
};

}  // namespace

std::unique_ptr<const KvCodec> make_turboquant_mse(const CodecShape& shape, const kernels::KernelTable& kernels,
                                                   std::size_t bits) {
  return std::make_unique<TurboQuantMse>(shape, kernels, bits);
}

std::unique_ptr<const KvCodec> make_turboquant_prod(const CodecShape& shape, const kernels::KernelTable& kernels,
                                                    std::size_t bits) {
  return std::make_unique<TurboQuantProd>(shape, kernels, bits);
}

}  // namespace pith::kv
