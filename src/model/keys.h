#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.h"

namespace pith::model {

/// The allowed range of a number.
struct Range {
  double min = 0.0;
  double max = 0.0;
};

inline constexpr std::uint64_t kContextMax = std::uint64_t{1} << 30;
/// The range of RoPE's base: above 1, since the frequencies divide by its logarithm.
inline constexpr Range kRopeBase = {1.001, 1e15};
/// The range of caps of scores and logits.
inline constexpr Range kSoftcap = {1e-3, 1e6};

/// The keys of one architecture ("llama.block_count"), each checked as it is read, so that whatever a file says, its
/// values can be computed with. Throws Error(kFormat) naming file, key, value and limit.
class Keys {
 public:
  Keys(const gguf::File& file, std::string_view architecture);

  /// Returns the full name of a key.
  std::string name_of(std::string_view name) const { return prefix_ + std::string(name); }
  bool has(std::string_view name) const { return metadata().has(name_of(name)); }

  /// Returns a number from 1 to `max`.
  std::size_t count(std::string_view name, std::uint64_t max) const;
  /// The same, but returns `fallback` if the key is absent.
  std::size_t count_or(std::string_view name, std::uint64_t fallback, std::uint64_t max) const;
  /// The same from `least` on.
  std::size_t count_in(std::string_view name, std::uint64_t least, std::uint64_t max) const;
  /// Returns a number from 1 to `max` that a file may state once per layer. Throws Error(kUnsupported) if the layers
  /// differ.
  std::size_t count_by_layer(std::string_view name, std::size_t layers, std::uint64_t max) const;
  /// Returns a number from `least` to `max` for each layer; a file may state one for all.
  std::vector<std::size_t> counts_by_layer(std::string_view name, std::size_t layers, std::uint64_t least,
                                           std::uint64_t max) const;
  /// The same from 0 on for layers that have all the same number or 0, which stands for none; returns that number.
  std::size_t count_where_present(std::string_view name, std::size_t layers, std::uint64_t max) const;

  /// Returns a float in a range; NaN is in none.
  double real(std::string_view name, Range range) const;
  double real_or(std::string_view name, double fallback, Range range) const;
  /// The same for keys in which 0 means what an absent key means: nullopt.
  std::optional<double> real_unless_zero(std::string_view name, Range range) const;

  /// Returns what norms add to a variance. Files of some models with RMS norms state it under the other name alone.
  float norm_epsilon(bool rms) const;

  std::string_view text_or(std::string_view name, std::string_view fallback) const;

 private:
  const gguf::Metadata& metadata() const { return file_->metadata(); }
  std::vector<std::int64_t> list_by_layer(const std::string& key, std::size_t layers) const;
  std::size_t in_range(const std::string& key, std::uint64_t value, std::uint64_t max) const;
  double in_range(const std::string& key, double value, Range range) const;

  const gguf::File* file_;
  std::string prefix_;
};

}  // namespace pith::model
