#pragma once

#include <pith/model.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "eval/eviction.h"
#include "eval/needle.h"

// Whether a passkey survives eviction: where the policy saw the question before it decided, and where it did not.
namespace pith::eval {

struct EvictionNeedleOptions {
  EvictionSetup setup{};
  /// Tokens, answer included.
  std::vector<std::size_t> lengths = {1024, 2048};
  /// Where the needle lies, in per cent of the text.
  std::vector<double> depths = {0, 25, 50, 75, 100};
  /// Passkeys for each length and depth, the same for all.
  std::size_t repeats = 1;
  std::uint64_t seed = 0;
  NeedleText text{};
};

/// How all passkeys of one length fared.
struct EvictionNeedleRow {
  EvictionCase which;
  /// The question was fed before the decision, and with it the answer's first token was predicted, as where a prompt is
  /// compacted; or only the document.
  bool question_seen = false;
  std::size_t length = 0;
  /// [depths, repeats]; empty if the policy is unsupported.
  std::vector<NeedleScore> scores{};

  /// Share of passkeys that greedy decoding says.
  double recall() const noexcept;
  double log_probability() const noexcept;
};

struct EvictionNeedleResult {
  EvictionNeedleOptions options;
  /// Without eviction, by length: of the same codec, and of f16.
  std::vector<EvictionNeedleRow> exact;
  std::vector<EvictionNeedleRow> exact_f16;
  /// In the order of lengths; of each the question not seen, then seen; of each the policies, and the ratios of each.
  std::vector<EvictionNeedleRow> rows;
};

/// Feeds each prompt once, and forks behind the document and behind the question. Throws Error before anything is fed
/// for options that make no sense or a text that is too short.
EvictionNeedleResult measure_eviction_needle(const Model& model, std::string_view haystack,
                                             const EvictionNeedleOptions& options,
                                             const EvictionProgress& on_step = {});

}  // namespace pith::eval
