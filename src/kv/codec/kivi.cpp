#include "kv/codec/kivi.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kv/codec/bit_pack.h"
#include "kv/codec/stored_half.h"

namespace pith::kv {
namespace {

constexpr std::size_t kTokens = KvCodec::kPageTokens;
constexpr std::size_t kValueGroup = 32;

class Kivi final : public KvCodec {
 public:
  Kivi(const CodecShape& shape, std::size_t bits) : KvCodec(shape), bits_(bits) {}

  std::size_t page_bytes() const override { return codes_at() + packed_bytes(kTokens * shape().size, bits_); }

  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override {
    const std::size_t size = shape().size;
    std::fill(page.begin(), page.end(), std::byte{0});
    put_ranges(rows, first, page);
    const std::vector<Range> stored = get_ranges(page);
    std::vector<std::uint8_t> codes(rows.size(), 0);
    for (std::size_t i = first * size; i < rows.size(); ++i) {
      const Range range = stored[range_of(i)];
      const double code = range.scale > 0.0F ? std::nearbyint((double{rows[i]} - range.min) / range.scale) : 0.0;
      codes[i] = static_cast<std::uint8_t>(code > 0.0 ? std::min(code, code_max()) : 0.0);
    }
    pack_codes(codes, bits_, &page[codes_at()]);
  }

  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    std::vector<std::uint8_t> codes(rows.size());
    unpack_codes(&page[codes_at()], bits_, codes);
    const std::vector<Range> stored = get_ranges(page);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Range range = stored[range_of(i)];
      rows[i] = range.min + range.scale * static_cast<float>(codes[i]);
    }
  }

 private:
  struct Range {
    float min, scale;
  };

  double code_max() const { return static_cast<double>((1U << bits_) - 1U); }
  /// Groups of a token's values. The last one is shorter if 32 does not divide the size.
  std::size_t groups() const { return (shape().size + kValueGroup - 1) / kValueGroup; }
  std::size_t ranges() const { return shape().side == KvSide::kKeys ? shape().size : kTokens * groups(); }
  /// Returns the index of the range that the page's i-th element belongs to.
  std::size_t range_of(std::size_t i) const {
    const std::size_t in_row = i % shape().size;
    return shape().side == KvSide::kKeys ? in_row : i / shape().size * groups() + in_row / kValueGroup;
  }
  std::size_t codes_at() const { return 4 * ranges(); }

  std::vector<Range> get_ranges(std::span<const std::byte> page) const {
    std::vector<Range> all(ranges());
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = {get_half(page.data(), i), get_half(page.data(), ranges() + i)};
    }
    return all;
  }

  void put_ranges(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const {
    std::vector<float> least(ranges());
    std::vector<float> most(ranges());
    std::vector<bool> seen(ranges(), false);
    for (std::size_t i = first * shape().size; i < rows.size(); ++i) {
      const std::size_t range = range_of(i);
      least[range] = seen[range] ? std::min(least[range], rows[i]) : rows[i];
      most[range] = seen[range] ? std::max(most[range], rows[i]) : rows[i];
      seen[range] = true;
    }
    for (std::size_t range = 0; range < ranges(); ++range) {
      put_half(least[range], range, page.data());
      // Measured from the minimum as stored, so that its rounding does not cut off the top.
      const double width = double{most[range]} - get_half(page.data(), range);
      put_half(std::max(width, 0.0) / code_max(), ranges() + range, page.data());
    }
  }

  std::size_t bits_;
};

}  // namespace

std::unique_ptr<const KvCodec> make_kivi(const CodecShape& shape, const kernels::KernelTable&, std::size_t bits) {
  return std::make_unique<Kivi>(shape, bits);
}

}  // namespace pith::kv
