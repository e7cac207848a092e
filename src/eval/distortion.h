#pragma once

#include <pith/codec.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// Measures without a model how far a codec's output is from its input, on random unit vectors: the protocol of
// TurboQuant (arXiv 2504.19874, section 3).
namespace pith::eval {

struct DistortionOptions {
  /// Names of codecs; empty: all known ones of fewer than 16 bits per element.
  std::vector<std::string> codecs{};
  std::vector<std::size_t> sizes = {64, 128, 256};
  /// Vectors per size, rounded up to whole pages (a multiple of 64).
  std::size_t vectors = 8192;
  /// Seed of the vectors.
  std::uint64_t seed = 0;
  /// How many draws of the codecs' random matrices (CodecShape::draw), from 0 on, the vectors are spread over; at most
  /// one per page. With a single draw, TurboQuant_prod's error is as much luck as theory at small sizes.
  std::size_t draws = 16;
  /// Codecs beside the built-in ones; null: none.
  std::shared_ptr<const CodecRegistry> registry{};
};

/// One codec on one side at one size. In the formulas x is a random unit vector, x~ what its page holds of it, and y
/// another unit vector, independent of x.
struct Distortion {
  std::string codec;
  CodecShape shape;
  std::size_t vectors = 0;
  std::size_t draws = 0;
  /// Bits per element of a page, metadata included.
  double bits = 0;
  /// E |x - x~|^2.
  double mse = 0;
  /// E (<y, x> - <y, x~>)^2, times the size.
  double inner_product = 0;
  /// Standard error of inner_product, from the differences between draws; 0 for a single draw.
  double inner_product_standard_error = 0;
  /// Relative error of inner products: E <y, x> <y, x~> / E <y, x>^2 - 1. 0: unbiased; -0.1: a tenth too small.
  double bias = 0;

  /// Returns 4^-bits, a lower bound on the MSE of any quantizer of that many bits (Shannon; TurboQuant, theorem 3).
  double mse_bound() const;
};

/// The paper's figures: the MSE of TurboQuant_mse (theorem 1) and the inner product error of TurboQuant_prod (theorem
/// 2), for bits of codes, without the vectors' norms. The paper rounds more coarsely than it seems, so the values that
/// its algorithms attain are listed too.
struct PaperDistortion {
  std::size_t bits;
  double mse;
  double inner_product;
  /// The least MSE of any table of 2^bits levels for the normal distribution (Max, 1960), which coordinates approach as
  /// sizes grow. Finite sizes have up to 3 / size less.
  double mse_theory;
  /// pi / 2 times the MSE of one bit less, which is what the sign sketch makes of the rest. Finite sizes have up to 4 /
  /// size less.
  double inner_product_theory;
};
inline constexpr std::array<PaperDistortion, 4> kPaperDistortions = {{{1, 0.36, 1.57, 0.3634, 1.5708},
                                                                      {2, 0.117, 0.56, 0.1175, 0.5708},
                                                                      {3, 0.03, 0.18, 0.03454, 0.1845},
                                                                      {4, 0.009, 0.047, 0.009497, 0.05426}}};

/// Returns the paper's figures for as many whole bits; null if it has none.
const PaperDistortion* paper_distortion(double bits);

/// Called after each size with its measurements.
using DistortionProgress = std::function<void(const std::vector<Distortion>& of_size)>;

/// Returns results by size, codec and side, in the order of the options. They are the same on every run. Throws Error
/// before measuring anything: kInvalidArgument for no sizes, a size that is not a multiple of 16, no vectors or no
/// draws; kUnsupported for an unknown codec.
std::vector<Distortion> measure_distortion(const DistortionOptions& options, const DistortionProgress& on_size = {});

}  // namespace pith::eval
