#include "kv/codec/polarquant.h"

#include <gtest/gtest.h>

#include "kernels/select.h"
#include "kv/codec/paper_codecs.h"
#include "kv/codec/scalar_codebook.h"

namespace pith::kv {
namespace {

using namespace test;

// Section 4.1: 62 bits per block of 16.
TEST(PolarQuant, BitsOfThePaper) {
  for (const std::size_t size : {16UL, 80UL, 128UL}) {
    const auto codec = make_polarquant({KvSide::kKeys, size}, kernels::select_kernels());
    EXPECT_EQ(8 * codec->page_bytes(), kTokens * size / 16 * 62);
  }
}

// An error e of an angle rotates its part of the vector by e, which costs 2 - 2 E cos e of that part's square; the
// parts of one level together are the whole vector.
TEST(PolarQuant, ErrorIsThatOfItsAngles) {
  const double arc = std::acos(-1.0) / 8.0;
  double kept = 2.0 * std::sin(arc / 2.0) / arc;
  for (std::size_t level = 2; level <= 4; ++level) kept *= 1.0 - 0.5 * angle_codebook(level, 2).distortion();
  for (const std::size_t size : {64UL, 128UL, 256UL}) {
    const auto codec = make_polarquant({KvSide::kValues, size}, kernels::select_kernels());
    double error = 0.0;
    for (std::uint64_t p = 0; p < 32; ++p) {
      const auto rows = unit_page(size, p);
      error += relative_error(rows, reconstruct(*codec, rows)) / 32.0;
    }
    EXPECT_NEAR(error, 2.0 - 2.0 * kept, 0.02 * error) << size;
  }
}

// Only angles are rounded: the norms of blocks, and thus of vectors, do not change.
TEST(PolarQuant, NormsStay) {
  const auto codec = make_polarquant({KvSide::kKeys, 96}, kernels::select_kernels());
  const auto rows = kernels::test::random_floats(kTokens * 96, 4, 5.0F);
  const auto back = reconstruct(*codec, rows);
  for (std::size_t t = 0; t < kTokens; ++t) {
    const double norm = dot(&rows[t * 96], &rows[t * 96], 96);
    EXPECT_NEAR(dot(&back[t * 96], &back[t * 96], 96), norm, 1e-3 * norm);
  }
}

}  // namespace
}  // namespace pith::kv
