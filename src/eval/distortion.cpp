#include "eval/distortion.h"

#include <pith/error.h>

#include <cmath>
#include <numbers>
#include <span>

namespace pith::eval {
namespace {

constexpr std::size_t kTokens = KvCodec::kPageTokens;
/// From how many bits on a codec is left out unless it is named.
constexpr double kBitsMax = 16.0;

/// Normal numbers from SplitMix64 by the transform of Box and Muller: the same for a seed wherever it runs, which the
/// distributions of <random> do not promise.
class Normals {
 public:
  explicit Normals(std::uint64_t seed) : state_(seed) {}

  double next() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  /// In [0, 1).
  double uniform() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
    return static_cast<double>((mixed ^ (mixed >> 31)) >> 11) * 0x1.0p-53;
  }

  std::uint64_t state_;
};

/// Rows [kTokens, size], uniform on the sphere.
std::vector<float> draw_unit_rows(Normals& normals, std::size_t size) {
  std::vector<float> rows(kTokens * size);
  std::vector<double> row(size);
  for (std::size_t t = 0; t < kTokens; ++t) {
    double squares = 0.0;
    for (double& x : row) {
      x = normals.next();
      squares += x * x;
    }
    for (std::size_t i = 0; i < size; ++i) rows[t * size + i] = static_cast<float>(row[i] / std::sqrt(squares));
  }
  return rows;
}

double bits_of(const KvCodec& codec) {
  return 8.0 * static_cast<double>(codec.page_bytes()) / static_cast<double>(kTokens * codec.shape().size);
}

/// One codec, with the sums over the pages so far.
struct Contestant {
  std::string name;
  std::unique_ptr<const KvCodec> codec;
  double error = 0.0;           // |x - x~|^2
  double products = 0.0;        // <y, x>^2
  double product_errors = 0.0;  // <y, x~ - x>^2
  double cross = 0.0;           // <y, x> <y, x~ - x>
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
      if (!all || bits_of(*codec) < kBitsMax) contestants.push_back({name, std::move(codec)});
    }
  }
  return contestants;
}

double dot(const float* a, const float* b, std::size_t size) {
  double sum = 0.0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// products [kTokens, kTokens]: of every y with every x.
std::vector<double> all_products(const std::vector<float>& y, const std::vector<float>& x, std::size_t size) {
  std::vector<double> products(kTokens * kTokens);
  for (std::size_t n = 0; n < kTokens; ++n) {
    for (std::size_t t = 0; t < kTokens; ++t) products[n * kTokens + t] = dot(&y[n * size], &x[t * size], size);
  }
  return products;
}

/// Adds a page of x [kTokens, size]. A rotated codec gets the same x as others: the distribution is the same in any
/// orthonormal basis.
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
    contestant.product_errors += product_errors[i] * product_errors[i];
    contestant.cross += products[i] * product_errors[i];
  }
}

Distortion result_of(const Contestant& contestant, std::size_t pages) {
  Distortion result;
  result.codec = contestant.name;
  result.shape = contestant.codec->shape();
  result.vectors = pages * kTokens;
  result.bits = bits_of(*contestant.codec);
  const auto vectors = static_cast<double>(result.vectors);
  result.mse = contestant.error / vectors;
  const auto pairs = vectors * static_cast<double>(kTokens);
  result.inner_product = contestant.product_errors / pairs * static_cast<double>(result.shape.size);
  result.bias = contestant.cross / contestant.products;
  return result;
}

/// One size.
std::vector<Distortion> measure_size(std::vector<Contestant>& contestants, std::size_t size,
                                     const DistortionOptions& options) {
  const std::size_t pages = (options.vectors - 1) / kTokens + 1;
  Normals normals(options.seed);
  for (std::size_t p = 0; p < pages; ++p) {
    const std::vector<float> x = draw_unit_rows(normals, size);
    const std::vector<float> y = draw_unit_rows(normals, size);
    const std::vector<double> products = all_products(y, x, size);
    for (Contestant& contestant : contestants) add_page(contestant, x, y, products);
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
  if (options.sizes.empty()) throw Error(ErrorKind::kInvalidArgument, "no sizes");
  if (options.vectors == 0) throw Error(ErrorKind::kInvalidArgument, "vectors is 0, must be at least 1");
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
