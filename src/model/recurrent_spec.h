#pragma once

#include <cstddef>
#include <tuple>

#include "base/described.h"
#include "model/norm_spec.h"

namespace pith::model {

/// How a recurrent layer carries earlier tokens on.
enum class Recurrence {
  kNone,
  /// A causal convolution over a few tokens, between two gates (LFM2, 2511.23404).
  kShortConvolution,
  /// Gated DeltaNet: what a key held before is taken back as its new value is written (Yang et al., 2412.06464).
  kDeltaRule,
  /// Mamba 2 (Dao and Gu, 2405.21060).
  kStateSpace,
};

/// Which key head a value head reads.
enum class KeyHeads {
  kBlocks,  ///< Neighbours share one.
  kCyclic,  ///< Value head h reads key head h % key_heads.
};

/// What stands in place of attention in a layer that sees earlier tokens through a state of fixed size. The state is a
/// matrix for each value head, S [key_size, value_size]; before it, a causal convolution for each channel.
struct RecurrentSpec {
  Recurrence kind = Recurrence::kNone;
  std::size_t taps = 0;  ///< Tokens that the convolution sees, its own included.
  bool convolution_bias = false;
  /// Elements of a head's value; with kShortConvolution all channels, since it has no heads.
  std::size_t value_size = 0;
  // kDeltaRule and kStateSpace.
  std::size_t heads = 0;      ///< Value heads.
  std::size_t key_heads = 0;  ///< Divides heads. Mamba calls them groups.
  std::size_t key_size = 0;   ///< Elements of a head's key.
  KeyHeads reads = KeyHeads::kBlocks;
  NormSpec norm;  ///< RMS, of each value head (kDeltaRule) or of those of each key head together (kStateSpace).
  /// kDeltaRule: the rates of writing and decay are one tensor, ssm_ba, by key head.
  bool fused_rates = false;

  bool present() const { return kind != Recurrence::kNone; }
  /// Elements of all values, which the output matrix reads.
  std::size_t inner() const { return kind == Recurrence::kShortConvolution ? value_size : heads * value_size; }
  std::size_t keys() const { return key_heads * key_size; }
  /// What the convolution runs over: values, keys and queries.
  std::size_t channels() const { return inner() + 2 * keys(); }

  static constexpr auto fields() {
    using Self = RecurrentSpec;
    return std::tuple(field("kind", &Self::kind), field("taps", &Self::taps),
                      field("convolution_bias", &Self::convolution_bias), field("value_size", &Self::value_size),
                      field("heads", &Self::heads), field("key_heads", &Self::key_heads),
                      field("key_size", &Self::key_size), field("reads", &Self::reads), field("norm", &Self::norm),
                      field("fused_rates", &Self::fused_rates));
  }
};
static_assert(lists_every_field<RecurrentSpec>);

}  // namespace pith::model
