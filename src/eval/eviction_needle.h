#pragma once

#include <pith/model.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "eval/eviction.h"
#include "eval/needle.h"

// Measures whether a passkey survives eviction, both when the policy saw the question before it decided and when not.
namespace pith::eval {

struct EvictionNeedleOptions {
  EvictionSetup setup{};
  /// Tokens per prompt, including the answer.
  std::vector<std::size_t> lengths = {1024, 2048};
  /// Positions of the needle, in per cent of the text.
  std::vector<double> depths = {0, 25, 50, 75, 100};
  /// Passkeys per length and depth, the same for all policies.
  std::size_t repeats = 1;
  std::uint64_t seed = 0;
  NeedleText text{};
};

/// Results for all passkeys of one length.
struct EvictionNeedleRow {
  EvictionCase which;
  /// True if the question was fed before the decision, and the answer's first token was predicted with it, as when a
  /// whole prompt is compacted. False if only the document was.
  bool question_seen = false;
  std::size_t length = 0;
  /// [depths, repeats]; empty if the policy is unsupported.
  std::vector<NeedleScore> scores{};

  /// Returns the share of passkeys that greedy decoding finds.
  double recall() const noexcept;
  double log_probability() const noexcept;
};

struct EvictionNeedleResult {
  EvictionNeedleOptions options;
  /// Without eviction, by length: with the same codec, and with f16.
  std::vector<EvictionNeedleRow> exact;
  std::vector<EvictionNeedleRow> exact_f16;
  /// In the order of lengths; for each, first with the question unseen, then seen; for each of these, policies and
  /// ratios.
  std::vector<EvictionNeedleRow> rows;
};

/// Feeds each prompt once, and forks after the document and after the question. Throws Error before feeding anything
/// for invalid options or a text that is too short.
EvictionNeedleResult measure_eviction_needle(const Model& model, std::string_view haystack,
                                             const EvictionNeedleOptions& options,
                                             const EvictionProgress& on_step = {});

}  // namespace pith::eval
