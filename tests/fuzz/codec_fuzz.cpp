// Encodes rows of floats by every codec: a page holds finite values near its input, and attention on its bytes reads
// what decode() does. Also reads pages of arbitrary bytes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <tuple>
#include <vector>

#include "fuzz/codec_limits.h"
#include "fuzz/fuzz.h"
#include "fuzz/page_reader.h"
#include "kernels/select.h"
#include "kv/codec/tiers.h"

namespace pith::fuzz {
namespace {

using kv::Codec;
using kv::kPageTokens;
using Page = std::vector<std::byte>;

constexpr std::array<std::size_t, 5> kSizes = {16, 32, 64, 80, 128};

/// Returns a codec and keeps it, since those with random matrices and codebooks take long to make.
const Codec& codec_of(const std::string& name, KvSide side, std::size_t size) {
  static std::map<std::tuple<std::string, KvSide, std::size_t>, kv::Tiers> made;
  kv::Tiers& tiers = made[{name, side, size}];
  if (tiers.codec == nullptr) tiers = kv::make_tiers(name, {side, size}, kernels::select_kernels(), nullptr);
  return *tiers.codec;
}

/// Returns the nearest finite float, of any magnitude.
float finite(float x) { return std::isfinite(x) ? x : std::copysign(std::numeric_limits<float>::max(), x); }

/// Repeats the numbers of the input, growing or shrinking from row to row by the factor that it states.
std::vector<float> read_rows(Input& input, std::size_t size, float most) {
  const auto growth = static_cast<float>(input.number<std::int8_t>()) / 64.0F;
  const auto scale = std::ldexp(1.0F, input.number<std::int8_t>() / 2);
  const bool raw = input.flag();
  std::vector<float> pattern;
  while (!input.empty() && pattern.size() < kPageTokens * size) {
    const float x =
        raw ? finite(input.number<float>()) : static_cast<float>(input.number<std::int8_t>()) / 16.0F * scale;
    pattern.push_back(x);
  }
  if (pattern.empty()) pattern.push_back(scale);
  std::vector<float> rows(kPageTokens * size);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t token = i / size;
    const float grown = pattern[i % pattern.size()] * std::exp2(growth * static_cast<float>(token));
    rows[i] = std::clamp(finite(grown), -most, most);
  }
  return rows;
}

struct Trial {
  const std::string& name;
  const Codec& codec;
  const CodecLimits& limits;
  const std::vector<float>& rows;
  std::size_t first;
};

std::span<const float> row_of(const std::vector<float>& rows, std::size_t t, std::size_t size) {
  return std::span(rows).subspan(t * size, size);
}

double norm(std::span<const float> x) {
  double squares = 0.0;
  for (const float v : x) squares += double{v} * v;
  return std::sqrt(squares);
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

/// Requires two values to be as near as is allowed.
void check_near(const Trial& trial, const char* what, double value, double wanted, double allowed) {
  if (std::fabs(value - wanted) <= allowed) return;
  broken(fmt::format("{}, {} of {} elements: {} is {}, must be {} within {}", trial.name,
                     trial.codec.shape().side == KvSide::kKeys ? "keys" : "values", trial.codec.shape().size, what,
                     value, wanted, allowed));
}

float largest(std::span<const float> x) {
  float most = 0.0F;
  for (const float v : x) most = std::max(most, std::fabs(v));
  return most;
}

/// Checks the distance of a page from its rows against the codec's limits.
void check_errors(const Trial& trial, const std::vector<float>& back) {
  const std::size_t size = trial.codec.shape().size;
  const std::size_t skipped = trial.first * size;
  const double page_most = largest(std::span(trial.rows).subspan(skipped));
  for (std::size_t t = trial.first; t < kPageTokens; ++t) {
    const std::span<const float> row = row_of(trial.rows, t, size);
    std::vector<float> error(size);
    for (std::size_t i = 0; i < size; ++i) error[i] = back[t * size + i] - row[i];
    require(std::ranges::all_of(error, [](float x) { return std::isfinite(x); }), "finite rows come back finite");
    const double allowed = trial.limits.by_row * norm(row) +
                           trial.limits.by_page * page_most * std::sqrt(static_cast<double>(size)) +
                           trial.limits.absolute * std::sqrt(static_cast<double>(size));
    check_near(trial, "the error of a row", norm(error), 0.0, allowed);
  }
}

/// Reads queries of at most unit size, so that only the page's contents can be large.
std::vector<float> read_queries(Input& input, std::size_t size) {
  std::vector<float> queries(2 * size);
  for (float& q : queries) q = static_cast<float>(input.number<std::int8_t>()) / 128.0F;
  return queries;
}

/// Returns the mean of a page's tokens, which integer codecs subtract from keys: [size].
std::vector<double> mean_of(const Trial& trial) {
  const std::size_t size = trial.codec.shape().size;
  std::vector<double> mean(size, 0.0);
  for (std::size_t i = trial.first * size; i < trial.rows.size(); ++i) mean[i % size] += trial.rows[i];
  for (double& m : mean) m /= static_cast<double>(kPageTokens - trial.first);
  return mean;
}

void check_scores(const Trial& trial, const Page& page, const std::vector<float>& back,
                  std::span<const float> queries) {
  const std::size_t size = trial.codec.shape().size;
  const std::size_t count = queries.size() / size;
  PageReader reader(trial.codec);
  const std::vector<float> stored = reader.scores(queries, page);
  std::vector<float> decoded(count * kPageTokens);
  trial.codec.score(queries, page, decoded);
  const std::vector<double> mean = mean_of(trial);
  // The mean is stored in codes of 8 bits as well.
  const double mean_error = largest(trial.rows) / 127.0 / 2.0;
  for (std::size_t n = 0; n < count; ++n) {
    const std::span<const float> query = queries.subspan(n * size, size);
    // Queries are rounded to codes of 8 bits, relative to their largest element, when they meet codes.
    const double half_code = trial.limits.coded ? largest(query) / 127.0 / 2.0 : 0.0;
    for (std::size_t t = trial.first; t < kPageTokens; ++t) {
      const std::span<const float> row = row_of(back, t, size);
      const double exact = dot(query, row);
      double sum = 0.0;
      double coded = 0.0;
      for (std::size_t i = 0; i < size; ++i) {
        sum += std::fabs(row[i]) + std::fabs(mean[i]);
        coded += std::fabs(row[i] - mean[i]) + mean_error;
      }
      const double allowed = 1e-5 * (sum + double{largest(back)}) + 1.01 * half_code * coded + 1e-30;
      check_near(trial, "a score of attention", stored[n * kPageTokens + t], exact, allowed);
      check_near(trial, "score()", decoded[n * kPageTokens + t], exact, allowed);
    }
  }
}

void check_values(const Trial& trial, const Page& page, const std::vector<float>& back, Input& input) {
  const std::size_t size = trial.codec.shape().size;
  PageReader reader(trial.codec);
  // With a single token the result is its row, whatever the other rows hold.
  const std::size_t t = trial.first + input.below(kPageTokens - trial.first);
  const std::vector<float> one = reader.value(page, t);
  const std::span<const float> row = row_of(back, t, size);
  // Weights are rounded, and a row whose scale is too small for a code counts with half a code (softmax_quantize.h).
  const double page_most = largest(std::span(trial.rows).subspan(trial.first * size));
  const double allowed = 0.02 * largest(row) + (trial.limits.coded ? 1e-4 * page_most : 0.0) + 1e-30;
  for (std::size_t i = 0; i < size; ++i) {
    check_near(trial, "attention to one token", one[i], row[i], allowed);
  }
  std::vector<float> weights(kPageTokens, 0.0F);
  for (std::size_t i = trial.first; i < kPageTokens; ++i) weights[i] = static_cast<float>(input.below(64)) / 4096.0F;
  std::vector<float> sums(size, 0.0F);
  trial.codec.accumulate(weights, page, sums);
  for (std::size_t i = 0; i < size; ++i) {
    double exact = 0.0;
    double total = 0.0;
    for (std::size_t k = 0; k < kPageTokens; ++k) {
      exact += double{weights[k]} * back[k * size + i];
      total += std::fabs(double{weights[k]} * back[k * size + i]);
    }
    check_near(trial, "accumulate()", sums[i], exact, 1e-5 * total + 1e-30);
  }
}

/// Checks that tokens copied to another page are unchanged there.
void check_moves(const Trial& trial, const Page& page, const std::vector<float>& back, Input& input) {
  const Codec& codec = trial.codec;
  if (!codec.movable()) return;
  const std::size_t size = codec.shape().size;
  Page packed(page.size());
  codec.begin_page(codec.grid(page.data()), packed.data());
  kv::Origin origin;
  origin.bytes = codec.origin(page.data());
  std::vector<std::size_t> from;
  const std::size_t count = 1 + input.below(kPageTokens);
  for (std::size_t to = 0; to < count; ++to) {
    from.push_back(trial.first + input.below(kPageTokens - trial.first));
    codec.copy_token(page.data(), from.back(), packed.data(), to);
    origin.tokens |= kv::TokenMask{1} << to;
  }
  std::vector<float> moved(kPageTokens * size);
  codec.decode(packed, moved);
  if (!origin.bytes.empty()) codec.add_origins(std::span(&origin, 1), moved);
  for (std::size_t to = 0; to < count; ++to) {
    require(std::ranges::equal(row_of(moved, to, size), row_of(back, from[to], size)), "a copied token is the same");
  }
}

void check_rows(Input& input, const std::string& name, const Codec& codec) {
  const std::size_t size = codec.shape().size;
  const std::size_t first = input.below(4) == 0 ? input.below(kPageTokens) : 0;
  const std::vector<float> queries = read_queries(input, size);
  const CodecLimits limits = codec_limits(name);
  Input again = input;
  const std::vector<float> rows = read_rows(input, size, limits.most);
  const Trial trial{name, codec, limits, rows, first};
  Page page(codec.page_bytes());
  codec.encode(rows, first, page);
  std::vector<float> back(rows.size());
  codec.decode(page, back);
  check_errors(trial, back);
  if (codec.shape().side == KvSide::kKeys) {
    check_scores(trial, page, back, queries);
  } else {
    check_values(trial, page, back, again);
  }
  check_moves(trial, page, back, again);
}

/// Reads a page as a damaged snapshot may hold it.
void check_any_page(Input& input, const Codec& codec) {
  const std::size_t size = codec.shape().size;
  Page page(codec.page_bytes());
  const std::span<const std::byte> bytes = input.bytes(page.size());
  for (std::size_t i = 0; i < page.size() && !bytes.empty(); ++i) page[i] = bytes[i % bytes.size()];
  std::vector<float> back(kPageTokens * size);
  codec.decode(page, back);
  PageReader reader(codec);
  if (codec.shape().side == KvSide::kKeys) {
    reader.scores(std::vector<float>(size, 0.5F), page);
  } else {
    reader.value(page, 5);
  }
}

/// Encodes rows for which codecs promise nothing, including infinities and NaN.
void check_any_rows(Input& input, const Codec& codec) {
  std::vector<float> rows(kPageTokens * codec.shape().size);
  std::vector<float> pattern;
  while (!input.empty() && pattern.size() < rows.size()) pattern.push_back(input.number<float>());
  for (std::size_t i = 0; i < rows.size() && !pattern.empty(); ++i) rows[i] = pattern[i % pattern.size()];
  Page page(codec.page_bytes());
  codec.encode(rows, 0, page);
  codec.decode(page, rows);
}

void run(Input input) {
  static const std::vector<std::string> names = builtin_codecs();
  const std::string& name = names[input.below(names.size())];
  const KvSide side = input.flag() ? KvSide::kKeys : KvSide::kValues;
  const Codec& codec = codec_of(name, side, kSizes[input.below(kSizes.size())]);
  switch (input.below(8)) {
    case 0:
      return check_any_page(input, codec);
    case 1:
      return check_any_rows(input, codec);
    default:
      return check_rows(input, name, codec);
  }
}

}  // namespace
}  // namespace pith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pith::fuzz::run({data, size});
  return 0;
}
