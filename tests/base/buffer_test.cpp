#include "base/buffer.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <cstdint>
#include <limits>
#include <utility>

namespace pith {
namespace {

TEST(Buffer, IsZeroedAndAligned) {
  for (const std::size_t count : {1UL, 100UL, std::size_t{1} << 20}) {
    const Buffer<float> buffer(count);
    EXPECT_EQ(buffer.size(), count);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0U);
    for (const float x : buffer.span()) ASSERT_EQ(x, 0.0F);
  }
}

TEST(Buffer, MovedFromIsEmpty) {
  Buffer<int> a(10);
  a[3] = 7;
  const Buffer<int> b = std::move(a);
  EXPECT_EQ(b[3], 7);
  EXPECT_EQ(a.size(), 0U);  // NOLINT(bugprone-use-after-move): that is what is tested.
  EXPECT_EQ(a.data(), nullptr);
}

TEST(Buffer, AnImpossibleSizeIsAnError) {
  try {
    const RawBuffer buffer(std::numeric_limits<std::size_t>::max() / 4);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kOutOfMemory);
  }
}

}  // namespace
}  // namespace pith
