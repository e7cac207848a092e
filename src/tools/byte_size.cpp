#include "tools/byte_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace pith::tools {
namespace {

constexpr std::string_view kPrefixes = "KMGT";

/// What a unit multiplies by; 0 of none that is known.
double factor_of(std::string_view unit) {
  std::string name(unit);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name.empty() || name == "B") return 1.0;
  const std::size_t prefix = kPrefixes.find(name[0]);
  if (prefix == std::string_view::npos) return 0.0;
  const std::string_view rest = std::string_view(name).substr(1);
  if (rest.empty() || rest == "IB") return std::pow(1024.0, static_cast<double>(prefix + 1));
  return rest == "B" ? std::pow(1000.0, static_cast<double>(prefix + 1)) : 0.0;
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  constexpr double kMost = 0x1p62;
  double number = 0.0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  const double bytes = number * factor_of(unit);
  // NaN and infinity, which from_chars reads, fail here too.
  if (!(bytes >= 1.0 && bytes <= kMost)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : 1, kUnits[unit]);
}

}  // namespace pith::tools
