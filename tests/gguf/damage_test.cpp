// Damaged files: parse() either throws Error, or everything that it returns can be used. Sanitizers watch.
#include <cstring>
#include <numeric>
#include <random>

#include "gguf/expect_error.h"
#include "support/paths.h"
#include "support/tiny_model.h"

namespace pith::gguf {
namespace {

using test::Bytes;
using test::GgufWriter;

/// A file with keys of all types and a few tensors, so small that every byte can be damaged.
GgufWriter small() {
  GgufWriter writer;
  writer.add("u8", std::uint8_t{1}).add("i16", std::int16_t{-1}).add("u32", std::uint32_t{7}).add("f32", 1.0F);
  writer.add("flag", true).add("text", "some text").add("i64", std::int64_t{-1}).add("f64", 1.0);
  writer.add_array("texts", std::vector<std::string>{"a", "", "bcd"});
  writer.add_array("numbers", std::vector<std::int32_t>{1, 2, 3}).set_alignment(16);
  const std::vector<float> values(6, 1.0F);
  writer.add_tensor("norm", {6}, values);
  writer.add_tensor("weight", TensorType::kQ4_0, {32, 2}, Bytes(36, std::byte{3}));
  return writer;
}

/// Reads everything that parsing returns. The sum keeps the reads from being optimized away.
std::size_t use(const Parsed& parsed) {
  std::size_t sum = 0;
  for (const MetadataEntry& entry : parsed.metadata.entries()) {
    sum += to_text(entry.value, 1000).size() + entry.key.size();
    if (!entry.value.is_array()) continue;
    if (entry.value.element == ValueType::kString) {
      for (const std::string_view text : parsed.metadata.strings(entry.key)) {
        sum = std::accumulate(text.begin(), text.end(), sum,
                              [](std::size_t s, char c) { return s + static_cast<unsigned char>(c); });
      }
    } else if (is_float(entry.value.element)) {
      sum += parsed.metadata.floats(entry.key).size();
    } else {
      sum += parsed.metadata.integers(entry.key).size();
    }
  }
  for (const TensorInfo& tensor : parsed.tensors) {
    sum += static_cast<std::size_t>(tensor.rows() * tensor.columns());
    for (const std::byte byte : tensor.data) sum += std::to_integer<std::size_t>(byte);
  }
  return sum;
}

enum class Outcome { kUsed, kRefused };

Outcome try_bytes(std::span<const std::byte> bytes) {
  const ExactBytes exact(bytes);
  try {
    use(parse(exact.span(), kTestPath));
    return Outcome::kUsed;
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    EXPECT_EQ(what.rfind(kTestPath, 0), 0U) << what;
    EXPECT_LT(what.size(), 500U) << what;
    EXPECT_TRUE(error.kind() == ErrorKind::kFormat || error.kind() == ErrorKind::kUnsupported) << what;
    return Outcome::kRefused;
  }
}

TEST(Damage, TheSoundFileIsUsed) { EXPECT_EQ(try_bytes(small().bytes()), Outcome::kUsed); }

TEST(Damage, CutAtAnyByte) {
  const Bytes bytes = small().bytes();
  // All but the padding at the end.
  const std::size_t needed = bytes.size() - 12;
  for (std::size_t size = 0; size < needed; ++size) {
    EXPECT_EQ(try_bytes(std::span(bytes).first(size)), Outcome::kRefused) << "cut to " << size << " bytes";
  }
  EXPECT_EQ(try_bytes(std::span(bytes).first(needed)), Outcome::kUsed);
}

TEST(Damage, AnyByteSetToAnything) {
  const Bytes sound = small().bytes();
  constexpr unsigned kStep = PITH_SANITIZED != 0 ? 15 : 1;
  int refused_count = 0;
  for (std::size_t at = 0; at < small().header().size(); ++at) {
    Bytes bytes = sound;
    for (unsigned value = 0; value < 256; value += kStep) {
      bytes[at] = static_cast<std::byte>(value);
      if (try_bytes(bytes) == Outcome::kRefused) ++refused_count;
    }
  }
  EXPECT_GT(refused_count, 10000 / static_cast<int>(kStep));
}

TEST(Damage, AnyFieldSetToHostileNumbers) {
  const Bytes sound = small().bytes();
  const std::uint64_t numbers[] = {0,
                                   1,
                                   0x7FFFFFFF,
                                   0xFFFFFFFF,
                                   std::uint64_t{1} << 32,
                                   std::uint64_t{1} << 59,
                                   std::uint64_t{1} << 61,
                                   (std::uint64_t{1} << 63) - 1,
                                   std::uint64_t{1} << 63,
                                   ~std::uint64_t{0} - 7,
                                   ~std::uint64_t{0}};
  for (std::size_t at = 4; at + 8 <= small().header().size(); ++at) {
    for (const std::uint64_t number : numbers) {
      Bytes bytes = sound;
      std::memcpy(&bytes[at], &number, sizeof number);
      try_bytes(bytes);
    }
  }
}

TEST(Damage, ManyBytesAtOnce) {
  const Bytes sound = small().bytes();
  std::mt19937 random(7);
  for (unsigned round = 0; round < (PITH_SANITIZED != 0 ? 2000U : 20000U); ++round) {
    Bytes bytes = sound;
    for (unsigned i = 0; i < 1 + round % 8; ++i) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    if (round % 4 == 0) bytes.resize(random() % bytes.size());
    try_bytes(bytes);
  }
}

TEST(Damage, BytesRemovedOrInserted) {
  const Bytes sound = small().bytes();
  for (std::size_t at = 0; at < small().header().size(); ++at) {
    Bytes bytes = sound;
    bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
    try_bytes(bytes);
    bytes = sound;
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::byte{0});
    try_bytes(bytes);
  }
}

TEST(Damage, ATinyModelCutAnywhere) {
  const Bytes bytes = test::make_tiny_model({.layers = 1});
  for (std::size_t size = 0; size + 32 < bytes.size(); size += 997) {
    EXPECT_EQ(try_bytes(std::span(bytes).first(size)), Outcome::kRefused) << "cut to " << size << " bytes";
  }
}

}  // namespace
}  // namespace pith::gguf
