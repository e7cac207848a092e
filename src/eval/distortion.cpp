#include "eval/distortion.h"

#include <pith/error.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <span>

#include "eval/fail.h"

namespace pith::eval {
namespace {

constexpr std::size_t kTokens = KvCodec::kPageTokens;
/// Codecs of this many bits or more are left out unless they are named.
constexpr double kBitsMax = 16.0;

/// Returns rows [kTokens, size], uniform on the sphere.
std::vector<float> draw_unit_rows(std::mt19937_64& random, std::size_t size) {
  std::normal_distribution<double> normal;
  std::vector<float> rows(kTokens * size);
  std::vector<double> row(size);
  for (std::size_t t = 0; t < kTokens; ++t) {
    double squares = 0.0;
    for (double& x : row) {
      x = normal(random);
      squares += x * x;
    }
    for (std::size_t i = 0; i < size; ++i) rows[t * size + i] = static_cast<float>(row[i] / std::sqrt(squares));
  }
  return rows;
}

double bits_of(const KvCodec& codec) {
  return 8.0 * static_cast<double>(codec.page_bytes()) / static_cast<double>(kTokens * codec.shape().size);
}

/// One codec, with its sums over the pages so far.
struct Contestant {
  std::string name;
  std::unique_ptr<const KvCodec> codec;
  double error = 0.0;                  // |x - x~|^2
  double products = 0.0;               // <y, x>^2
  std::vector<double> product_errors;  // <y, x~ - x>^2, by draw
  double cross = 0.0;                  // <y, x> <y, x~ - x>
};

std::vector<std::string> known_names(const CodecRegistry* registry) {
  std::vector<std::string> names = builtin_codecs();
  if (registry != nullptr) {
    for (std::string& name : registry->names()) names.push_back(std::move(name));
  }
  return names;
}

std::vector<Contestant> make_contestants(const DistortionOptions& options, std::size_t size) {
  const bool all = options.codecs.empty();
  std::vector<Contestant> contestants;
  for (const std::string& name : all ? known_names(options.registry.get()) : options.codecs) {
    for (const KvSide side : {KvSide::kKeys, KvSide::kValues}) {
      auto codec = make_codec(name, {side, size}, options.registry.get());
      if (!all || bits_of(*codec) < kBitsMax) {
        contestants.push_back({name, std::move(codec), 0.0, 0.0, {}, 0.0});
      }
    }
  }
  return contestants;
}

double dot(const float* a, const float* b, std::size_t size) {
  double sum = 0.0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// Returns products [kTokens, kTokens] of every y with every x.
std::vector<double> all_products(const std::vector<float>& y, const std::vector<float>& x, std::size_t size) {
  std::vector<double> products(kTokens * kTokens);
  for (std::size_t n = 0; n < kTokens; ++n) {
    for (std::size_t t = 0; t < kTokens; ++t) products[n * kTokens + t] = dot(&y[n * size], &x[t * size], size);
  }
  return products;
}

/// Adds a page of x [kTokens, size]. A codec with a rotated basis gets the same x as the others, since the distribution
/// is the same in any orthonormal basis.
void add_page(Contestant& contestant, const std::vector<float>& x, const std::vector<float>& y,
              const std::vector<double>& products) {
  const std::size_t size = contestant.codec->shape().size;
  std::vector<std::byte> page(contestant.codec->page_bytes());
  contestant.codec->encode(x, 0, page);
  std::vector<float> errors(x.size());
  contestant.codec->decode(page, errors);
  for (std::size_t i = 0; i < x.size(); ++i) errors[i] -= x[i];
  contestant.error += dot(errors.data(), errors.data(), errors.size());
  const std::vector<double> product_errors = all_products(y, errors, size);
  for (std::size_t i = 0; i < products.size(); ++i) {
    contestant.products += products[i] * products[i];
    contestant.product_errors.back() += product_errors[i] * product_errors[i];
    contestant.cross += products[i] * product_errors[i];
  }
}

/// Returns the standard error of `mean`, from independent measurements with weights that sum to 1.
double standard_error(std::span<const double> values, std::span<const double> weights, double mean) {
  double variance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) variance += std::pow(weights[i] * (values[i] - mean), 2);
  const auto count = static_cast<double>(values.size());
  return count > 1.0 ? std::sqrt(variance * count / (count - 1.0)) : 0.0;
}

/// Pages [first, last) of one draw.
struct Pages {
  std::size_t first, last;
};

Pages pages_of(std::size_t draw, std::size_t draws, std::size_t pages) {
  return {draw * pages / draws, (draw + 1) * pages / draws};
}

Distortion result_of(const Contestant& contestant, std::size_t pages) {
  const std::size_t draws = contestant.product_errors.size();
  Distortion result;
  result.codec = contestant.name;
  result.shape = {contestant.codec->shape().side, contestant.codec->shape().size};
  result.vectors = pages * kTokens;
  result.draws = draws;
  result.bits = bits_of(*contestant.codec);
  result.mse = contestant.error / static_cast<double>(result.vectors);
  std::vector<double> by_draw(draws);
  std::vector<double> weights(draws);
  for (std::size_t d = 0; d < draws; ++d) {
    const Pages own = pages_of(d, draws, pages);
    const auto count = static_cast<double>(own.last - own.first);
    const double pairs = count * static_cast<double>(kTokens * kTokens);
    by_draw[d] = contestant.product_errors[d] / pairs * static_cast<double>(result.shape.size);
    weights[d] = count / static_cast<double>(pages);
    result.inner_product += weights[d] * by_draw[d];
  }
  result.inner_product_standard_error = standard_error(by_draw, weights, result.inner_product);
  result.bias = contestant.cross / contestant.products;
  return result;
}

/// Measures one size. The contestants' codecs are of draw 0.
std::vector<Distortion> measure_size(std::vector<Contestant>& contestants, std::size_t size,
                                     const DistortionOptions& options) {
  const std::size_t pages = (options.vectors - 1) / kTokens + 1;
  const std::size_t draws = std::min(options.draws, pages);
  std::mt19937_64 random(options.seed);
  for (std::size_t draw = 0; draw < draws; ++draw) {
    for (Contestant& contestant : contestants) {
      contestant.product_errors.push_back(0.0);
      if (draw == 0) continue;
      const CodecShape shape{contestant.codec->shape().side, size, draw};
      contestant.codec = make_codec(contestant.name, shape, options.registry.get());
    }
    const Pages own = pages_of(draw, draws, pages);
    for (std::size_t p = own.first; p < own.last; ++p) {
      const std::vector<float> x = draw_unit_rows(random, size);
      const std::vector<float> y = draw_unit_rows(random, size);
      const std::vector<double> products = all_products(y, x, size);
      for (Contestant& contestant : contestants) add_page(contestant, x, y, products);
    }
  }
  std::vector<Distortion> results;
  results.reserve(contestants.size());
  for (const Contestant& contestant : contestants) results.push_back(result_of(contestant, pages));
  return results;
}

}  // namespace

double Distortion::mse_bound() const { return std::pow(4.0, -bits); }

const PaperDistortion* paper_distortion(double bits) {
  for (const PaperDistortion& row : kPaperDistortions) {
    if (std::floor(bits) == static_cast<double>(row.bits)) return &row;
  }
  return nullptr;
}

std::vector<Distortion> measure_distortion(const DistortionOptions& options, const DistortionProgress& on_size) {
  if (options.sizes.empty()) fail(ErrorKind::kInvalidArgument, "no sizes");
  if (options.vectors == 0) fail(ErrorKind::kInvalidArgument, "vectors is 0, must be at least 1");
  if (options.draws == 0) fail(ErrorKind::kInvalidArgument, "draws is 0, must be at least 1");
  // All before the first is measured, so that a wrong name or size costs no time.
  std::vector<std::vector<Contestant>> by_size;
  by_size.reserve(options.sizes.size());
  for (const std::size_t size : options.sizes) by_size.push_back(make_contestants(options, size));
  std::vector<Distortion> results;
  for (std::size_t s = 0; s < by_size.size(); ++s) {
    const std::vector<Distortion> of_size = measure_size(by_size[s], options.sizes[s], options);
    if (on_size) on_size(of_size);
    results.insert(results.end(), of_size.begin(), of_size.end());
  }
  return results;
}

}  // namespace pith::eval
