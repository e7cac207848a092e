#pragma once

#include <pith/codec.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// How far vectors are from what a codec makes of them, measured without a model: the protocol of TurboQuant
// (arXiv 2504.19874, section 3), random unit vectors.
namespace pith::eval {

struct DistortionOptions {
  /// Names; empty: all that are known and take fewer than 16 bits an element.
  std::vector<std::string> codecs{};
  std::vector<std::size_t> sizes = {64, 128, 256};
  /// Of each size; whole pages: rounded up to a multiple of 64.
  std::size_t vectors = 8192;
  /// Of the vectors.
  std::uint64_t seed = 0;
  /// Over how many draws of the random matrices of codecs (CodecShape::draw) the vectors are spread, from 0 on; at most
  /// one a page. Of one draw, TurboQuant_prod's error is as much luck as theory at small sizes.
  std::size_t draws = 16;
  /// Codecs beside the built-in ones; null: none.
  std::shared_ptr<const CodecRegistry> registry{};
};

/// One codec on one side at one size. x: a random unit vector; x~: what its page holds of it; y: another unit vector,
/// independent of x.
struct Distortion {
  std::string codec;
  CodecShape shape;
  std::size_t vectors = 0;
  std::size_t draws = 0;
  /// An element of a page, all in.
  double bits = 0;
  /// E |x - x~|^2.
  double mse = 0;
  /// E (<y, x> - <y, x~>)^2, times the size.
  double inner_product = 0;
  /// Of inner_product, from how much its draws differ; 0 of a single one.
  double inner_product_standard_error = 0;
  /// By which part inner products come out too large: E <y, x> <y, x~> / E <y, x>^2 - 1; 0: unbiased, -0.1: shrunk by a
  /// tenth.
  double bias = 0;

  /// 4^-bits: what no quantizer of that many bits can beat (Shannon; TurboQuant, theorem 3).
  double mse_bound() const;
};

/// What the paper states: the MSE of TurboQuant_mse (theorem 1), the inner product's error of TurboQuant_prod (theorem
/// 2). Bits of codes; the vectors' norms come on top. It rounds, and by more than it seems, so what its algorithms
/// attain stands beside.
struct PaperDistortion {
  std::size_t bits;
  double mse;
  double inner_product;
  /// The least that any table of 2^bits levels has on the normal distribution (Max, 1960), which coordinates approach
  /// as sizes grow. Finite sizes have up to 3 / size less.
  double mse_theory;
  /// pi / 2 times that of one bit less, which is what the sign sketch makes of the rest; finite sizes have up to
  /// 4 / size less.
  double inner_product_theory;
};
inline constexpr std::array<PaperDistortion, 4> kPaperDistortions = {{{1, 0.36, 1.57, 0.3634, 1.5708},
                                                                      {2, 0.117, 0.56, 0.1175, 0.5708},
                                                                      {3, 0.03, 0.18, 0.03454, 0.1845},
                                                                      {4, 0.009, 0.047, 0.009497, 0.05426}}};

/// The paper's figures for as many whole bits; null if it has none.
const PaperDistortion* paper_distortion(double bits);

/// After each size: what has been measured of it.
using DistortionProgress = std::function<void(const std::vector<Distortion>& of_size)>;

/// By size, codec and side, in the order of the options. The same on every run. Throws Error before anything is
/// measured: kInvalidArgument for no sizes, one that is no multiple of 16, no vectors or no draws; kUnsupported for an
/// unknown codec.
std::vector<Distortion> measure_distortion(const DistortionOptions& options, const DistortionProgress& on_size = {});

}  // namespace pith::eval
