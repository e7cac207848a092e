#include "kv/codec/polarquant.h"

#include <array>
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
constexpr std::size_t kBlock = 16;
/// Angles of a block at the first level, and at all other levels together.
constexpr std::size_t kFirstAngles = kBlock / 2;
constexpr std::size_t kOtherAngles = kBlock / 2 - 1;
constexpr std::size_t kFirstBits = 4;
constexpr std::size_t kOtherBits = 2;
constexpr std::uint64_t kRotationSeed = 3;

struct Direction {
  float cos, sin;
};

Direction direction_of(double angle) {
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

/// Decoded first-level codes: the middle of each of 16 equal arcs, since these angles are uniformly distributed.
std::array<Direction, 1 << kFirstBits> first_directions() {
  std::array<Direction, 1 << kFirstBits> directions{};
  for (std::size_t i = 0; i < directions.size(); ++i) {
    directions[i] = direction_of((static_cast<double>(i) + 0.5) * std::numbers::pi / 8.0);
  }
  return directions;
}

/// Codebook of the angles of a higher level.
struct Level {
  ScalarCodebook codebook;
  std::array<Direction, 1 << kOtherBits> directions{};

  explicit Level(std::size_t level) : codebook(angle_codebook(level, kOtherBits)) {
    for (std::size_t i = 0; i < directions.size(); ++i) {
      directions[i] = direction_of(static_cast<double>(codebook.levels()[i]));
    }
  }
};

std::uint8_t first_code(float x, float y) {
  const double turn = std::atan2(static_cast<double>(y), static_cast<double>(x)) / (2.0 * std::numbers::pi);
  return std::isnan(turn) ? std::uint8_t{0} : static_cast<std::uint8_t>(static_cast<int>(std::floor(16.0 * turn)) & 15);
}

class PolarQuant final : public KvCodec {
 public:
  PolarQuant(const CodecShape& shape, const kernels::KernelTable& kernels)
      : KvCodec(shape), rotation_(RandomMatrix::orthogonal(shape.size, kRotationSeed + shape.draw, kernels)) {}

  std::size_t page_bytes() const override { return others_at() + packed_bytes(blocks() * kOtherAngles, kOtherBits); }

  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override {
    const std::size_t size = shape().size;
    const UnitRows unit = unit_rows(rows.subspan(first * size), size);
    std::vector<float> rotated(unit.rows.size());
    rotation_.apply(unit.rows.data(), unit.norms.size(), rotated.data());

    std::vector<std::uint8_t> firsts(blocks() * kFirstAngles, 0);
    std::vector<std::uint8_t> others(blocks() * kOtherAngles, 0);
    const std::size_t skipped = first * size / kBlock;
    for (std::size_t b = 0; b < skipped; ++b) put_half(0.0, b, page.data());
    for (std::size_t b = skipped; b < blocks(); ++b) {
      const std::size_t i = (b - skipped) * kBlock;
      const float radius = encode_block(&rotated[i], &firsts[b * kFirstAngles], &others[b * kOtherAngles]);
      put_half(radius * unit.norms[i / size], b, page.data());
    }
    pack_codes(firsts, kFirstBits, &page[firsts_at()]);
    pack_codes(others, kOtherBits, &page[others_at()]);
  }

  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    std::vector<std::uint8_t> firsts(blocks() * kFirstAngles);
    std::vector<std::uint8_t> others(blocks() * kOtherAngles);
    unpack_codes(&page[firsts_at()], kFirstBits, firsts);
    unpack_codes(&page[others_at()], kOtherBits, others);
    std::vector<float> rotated(rows.size());
    for (std::size_t b = 0; b < blocks(); ++b) {
      decode_block(get_half(page.data(), b), &firsts[b * kFirstAngles], &others[b * kOtherAngles],
                   &rotated[b * kBlock]);
    }
    rotation_.apply_transposed(rotated.data(), kTokens, rows.data());
  }

 private:
  /// Blocks per page.
  std::size_t blocks() const { return kTokens * shape().size / kBlock; }
  std::size_t firsts_at() const { return 2 * blocks(); }
  std::size_t others_at() const { return firsts_at() + packed_bytes(blocks() * kFirstAngles, kFirstBits); }

  /// Algorithm 1, Polar: writes the codes of the 15 angles of x [16], level by level. Returns the radius.
  float encode_block(const float* x, std::uint8_t* first, std::uint8_t* other) const {
    std::array<float, kFirstAngles> radii{};
    for (std::size_t i = 0; i < kFirstAngles; ++i) {
      first[i] = first_code(x[2 * i], x[2 * i + 1]);
      radii[i] = std::hypot(x[2 * i], x[2 * i + 1]);
    }
    std::size_t count = kFirstAngles / 2;
    for (const Level& level : levels_) {
      for (std::size_t i = 0; i < count; ++i) {
        const float a = radii[2 * i];
        const float b = radii[2 * i + 1];
        *other++ = level.codebook.nearest(std::atan2(b, a));
        radii[i] = std::hypot(a, b);
      }
      count /= 2;
    }
    return radii[0];
  }

  /// Algorithm 1, DeQuant: from the top level down.
  void decode_block(float radius, const std::uint8_t* first, const std::uint8_t* other, float* x) const {
    std::array<float, kFirstAngles> radii{radius};
    const std::uint8_t* end = other + kOtherAngles;
    std::size_t count = 1;
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level, count *= 2) {
      end -= count;
      for (std::size_t i = count; i-- > 0;) {
        const Direction d = level->directions[end[i]];
        const float r = radii[i];
        radii[2 * i] = r * d.cos;
        radii[2 * i + 1] = r * d.sin;
      }
    }
    for (std::size_t i = 0; i < kFirstAngles; ++i) {
      x[2 * i] = radii[i] * first_[first[i]].cos;
      x[2 * i + 1] = radii[i] * first_[first[i]].sin;
    }
  }

  RandomMatrix rotation_;
  std::array<Direction, 1 << kFirstBits> first_ = first_directions();
  /// From the second level up.
  std::array<Level, 3> levels_ = {Level(2), Level(3), Level(4)};
};

}  // namespace

std::unique_ptr<const KvCodec> make_polarquant(const CodecShape& shape, const kernels::KernelTable& kernels) {
  return std::make_unique<PolarQuant>(shape, kernels);
}

}  // namespace pith::kv
