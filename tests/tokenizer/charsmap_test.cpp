#include "tokenizer/charsmap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "tokenizer/vocab_fixture.h"

namespace pith::tokenizer {
namespace {

constexpr std::uint32_t kUnits = 512;

/// "A" is "x", and "AB" is nothing.
struct SmallCharsmap {
  std::vector<std::uint32_t> units = std::vector<std::uint32_t>(kUnits);
  std::string replacements = std::string("\0x\0", 3);

  SmallCharsmap() {
    units[0] = 0x100U << 10U;
    units[0x100 ^ 'A'] = 'A' | 0x100U | ((0x100U ^ 'A' ^ 0x180U) << 10U);
    units[0x180] = 0x8000'0000U | 1U;
    units[0x180 ^ 'B'] = 'B' | 0x100U | ((0x180U ^ 'B' ^ 0x1C0U) << 10U);
    units[0x1C0] = 0x8000'0000U;
  }

  std::vector<std::byte> bytes() const {
    const auto size = static_cast<std::uint32_t>(units.size() * sizeof(std::uint32_t));
    std::vector<std::byte> out(sizeof size + size + replacements.size());
    std::memcpy(out.data(), &size, sizeof size);
    std::memcpy(out.data() + sizeof size, units.data(), size);
    std::memcpy(out.data() + sizeof size + size, replacements.data(), replacements.size());
    return out;
  }

  void expect_refused(const std::string& part) const {
    test::expect_error(ErrorKind::kFormat, "f.gguf: tokenizer.ggml.precompiled_charsmap " + part,
                       [&] { Charsmap("f.gguf", bytes()); });
  }
};

TEST(Charsmap, FindsTheLongestSequence) {
  const Charsmap charsmap("f.gguf", SmallCharsmap().bytes());
  EXPECT_EQ(charsmap.find("zA", 1).replacement, "x");
  EXPECT_EQ(charsmap.find("zA", 1).size, 1U);
  EXPECT_EQ(charsmap.find("AB", 0).replacement, "");
  EXPECT_EQ(charsmap.find("AB", 0).size, 2U);
  EXPECT_EQ(charsmap.find("AAB", 0).size, 1U);
  EXPECT_EQ(charsmap.find("B", 0).size, 0U);
  EXPECT_EQ(charsmap.find(std::string("\0A", 2), 0).size, 0U);
}

TEST(Charsmap, MayBeEmpty) {
  EXPECT_EQ(Charsmap().find("A", 0).size, 0U);
  EXPECT_EQ(Charsmap("f.gguf", {}).find("A", 0).size, 0U);
  SmallCharsmap none;
  none.units.clear();
  EXPECT_EQ(Charsmap("f.gguf", none.bytes()).find("A", 0).size, 0U);
}

TEST(Charsmap, RefusesWhatIsCut) {
  const std::vector<std::byte> whole = SmallCharsmap().bytes();
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{4}, std::size_t{100}, whole.size() - 3}) {
    test::expect_error(ErrorKind::kFormat, "too few for an array",
                       [&] { Charsmap("f.gguf", std::span(whole).first(size)); });
  }
  std::vector<std::byte> huge = whole;
  std::memset(huge.data(), 0xFF, 4);
  test::expect_error(ErrorKind::kFormat, "too few for an array of 4294967295", [&] { Charsmap("f.gguf", huge); });
  huge.resize((std::size_t{4} << 20) + 1);
  test::expect_error(ErrorKind::kFormat, "at most 4194304 are allowed", [&] { Charsmap("f.gguf", huge); });
  SmallCharsmap unended;
  unended.replacements = std::string("\0xyz", 4);
  unended.expect_refused("has a replacement at byte 1 that does not end within 3 bytes");
  unended.replacements = std::string("\0", 1);
  unended.expect_refused("has a replacement at byte 1 of 1");
  unended.replacements = std::string(3000, 'x') + '\0';
  unended.expect_refused("has a replacement at byte 1 that does not end within 1025 bytes");
}

TEST(Charsmap, RefusesWhatPointsOutside) {
  SmallCharsmap charsmap;
  charsmap.units[0] = 0x200U << 10U;
  charsmap.expect_refused("points to unit 512 of 512");
  charsmap.units[0] = 0xFFFF'FFFFU;
  charsmap.expect_refused("points to unit 1073741568 of 512");
  charsmap = {};
  charsmap.units[0x180 ^ 'B'] = 'B' | (0xFFFU << 10U);
  charsmap.expect_refused("points to unit ");
  charsmap = {};
  charsmap.units.resize(0x1C1);
  charsmap.expect_refused("points to unit ");
}

TEST(Charsmap, RefusesCircles) {
  SmallCharsmap charsmap;
  // "B" leads back to where it was looked for.
  charsmap.units[0x180 ^ 'B'] = 'B' | (static_cast<std::uint32_t>('B') << 10U);
  charsmap.expect_refused("goes round in circles at unit 384");
}

TEST(Charsmap, RefusesSequencesThatAreTooLong) {
  SmallCharsmap charsmap;
  // A chain of a thousand: each place is 256 units after the last, and only 'A' goes on.
  constexpr std::uint32_t kLinks = 1000;
  charsmap.units.assign(std::size_t{256} * (kLinks + 2), 0x8000'0000U);
  charsmap.units[0] = 0x100U << 10U;
  for (std::uint32_t i = 1; i <= kLinks; ++i) {
    const std::uint32_t child = (256U * i) ^ 'A';
    charsmap.units[child] = 'A' | ((child ^ (256U * (i + 1))) << 10U);
  }
  charsmap.expect_refused("has sequences of more than 256 bytes");
}

TEST(Charsmap, AnyChangedByteIsRefusedOrWorks) {
  const nlohmann::json data = test::read_tokenizer_data("unigram.json");
  const auto whole = data["tidy"]["charsmap"].get<std::vector<std::uint8_t>>();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const std::uint8_t other : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{0x7F}, std::uint8_t{0xFF}}) {
      std::vector<std::uint8_t> bytes = whole;
      bytes[i] = other;
      try {
        const Charsmap charsmap("f.gguf", std::as_bytes(std::span(bytes)));
        const std::string text = "\uFF21\uFB01e\u0301\u0302\u2026";
        for (std::size_t at = 0; at < text.size(); ++at) EXPECT_LE(charsmap.find(text, at).size, text.size() - at);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kFormat) << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace pith::tokenizer
