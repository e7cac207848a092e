// A KV codec of your own, known by name to the whole command:
//   example_custom_codec run -m model.gguf -p "Once upon a time" --kv minmax4
//   example_custom_codec eval kl -m model.gguf --text wiki.txt --kv minmax4 --kv int4
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <cstring>

/// Each vector on 16 even steps between its smallest and its largest element: two floats, then two codes per byte.
class MinMax4 : public pith::KvCodec {
 public:
  explicit MinMax4(const pith::CodecShape& shape) : KvCodec(shape) {}

  bool wants_rotation() const override { return true; }
  std::size_t page_bytes() const override { return kPageTokens * row_bytes(); }

  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override {
    for (std::size_t t = first; t < kPageTokens; ++t) {
      const std::span<const float> row = rows.subspan(t * shape().size, shape().size);
      const auto [low, high] = std::minmax_element(row.begin(), row.end());
      const float range[2] = {*low, (*high - *low) / 15.0F};
      std::byte* to = &page[t * row_bytes()];
      std::memcpy(to, range, sizeof range);
      for (std::size_t i = 0; i < row.size(); i += 2) {
        to[sizeof range + i / 2] = std::byte(code(row[i], range) | code(row[i + 1], range) << 4U);
      }
    }
  }

  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    for (std::size_t t = 0; t < kPageTokens; ++t) decode_row(page, t, &rows[t * shape().size]);
  }
  // Without these two, attention decodes whole pages into scratch memory; with them it reads the codes.
  void score(std::span<const float> queries, std::span<const std::byte> page, std::span<float> scores) const override {
    std::vector<float> row(shape().size);
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      decode_row(page, t, row.data());
      for (std::size_t n = 0; n < queries.size() / row.size(); ++n) {
        float sum = 0.0F;
        for (std::size_t i = 0; i < row.size(); ++i) sum += queries[n * row.size() + i] * row[i];
        scores[n * kPageTokens + t] = sum;
      }
    }
  }

  void accumulate(std::span<const float> probabilities, std::span<const std::byte> page,
                  std::span<float> out) const override {
    std::vector<float> row(shape().size);
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      decode_row(page, t, row.data());
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] += probabilities[i / row.size() * kPageTokens + t] * row[i % row.size()];
      }
    }
  }

 private:
  std::size_t row_bytes() const { return 2 * sizeof(float) + shape().size / 2; }

  static unsigned code(float x, const float (&range)[2]) {
    return range[1] > 0.0F ? static_cast<unsigned>(std::lround((x - range[0]) / range[1])) & 15U : 0U;
  }

  void decode_row(std::span<const std::byte> page, std::size_t token, float* row) const {
    float range[2];
    std::memcpy(range, &page[token * row_bytes()], sizeof range);
    for (std::size_t i = 0; i < shape().size; ++i) {
      const auto both = std::to_integer<unsigned>(page[token * row_bytes() + sizeof range + i / 2]);
      row[i] = range[0] + range[1] * static_cast<float>(both >> (i % 2 * 4) & 15U);
    }
  }
};

int main(int argc, char** argv) {
  auto codecs = std::make_shared<pith::CodecRegistry>();
  codecs->add("minmax4", [](const pith::CodecShape& shape) { return std::make_unique<MinMax4>(shape); });
  return pith::run_command(argc, argv, codecs);
}
