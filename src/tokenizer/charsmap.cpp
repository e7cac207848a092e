#include "tokenizer/charsmap.h"

#include <algorithm>

#include "base/fail.h"

namespace pith::tokenizer {
namespace {

/// Ten times the size of the largest known.
constexpr std::size_t kBytesMax = std::size_t{4} << 20;
/// Twenty times the longest known.
constexpr std::size_t kSequenceMax = 256;
constexpr std::size_t kReplacementMax = 1024;
constexpr std::uint32_t kValueMask = 0x7FFF'FFFF;

// A unit: its label in bits 0 to 7 (bit 31 set: it is a value, and no label), whether a sequence ends there in bit 8,
// how far its children are in bits 10 to 30, times 256 if bit 9 is set.

std::uint32_t label_of(std::uint32_t unit) noexcept { return unit & 0x8000'00FFU; }
bool ends_sequence(std::uint32_t unit) noexcept { return ((unit >> 8U) & 1U) != 0; }
std::uint32_t base_of(std::uint32_t unit) noexcept { return (unit >> 10U) << ((unit & 0x200U) >> 6U); }

std::uint32_t read_unit(const std::byte* bytes) noexcept {
  std::uint32_t unit = 0;
  for (std::size_t i = 0; i < sizeof unit; ++i) unit |= std::to_integer<std::uint32_t>(bytes[i]) << (8U * i);
  return unit;
}

/// Checks everything that find() can reach, so that find() need not. A place is where the children of a unit are: the
/// units around it, each as far away as its label says.
class CharsmapCheck {
 public:
  CharsmapCheck(std::string_view file, std::span<const std::uint32_t> units, std::string_view replacements)
      : file_(file), units_(units), replacements_(replacements), longest_(units.size(), kNew) {}

  void run() {
    enter(base_of(units_[0]));
    while (!path_.empty()) {
      if (path_.back().label < 0xFF) {
        follow(path_.back().place, ++path_.back().label);
      } else {
        leave();
      }
    }
  }

 private:
  static constexpr std::uint16_t kNew = 0xFFFF;
  static constexpr std::uint16_t kOpen = 0xFFFE;

  struct Step {
    std::uint32_t place = 0;
    std::uint32_t label = 0;  // of the last child that was looked at
    std::size_t longest = 0;  // of the sequences that go on from here
  };

  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<const Args&...> format, const Args&... args) const {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.precompiled_charsmap {}", file_, fmt::format(format, args...));
  }

  void check_place(std::uint32_t place) const {
    if (place >= units_.size()) refuse("points to unit {} of {}", place, units_.size());
  }

  void enter(std::uint32_t place) {
    check_place(place);
    if (longest_[place] == kOpen) refuse("goes round in circles at unit {}", place);
    if (longest_[place] != kNew) return extend(longest_[place]);
    longest_[place] = kOpen;
    path_.push_back({place, 0, 0});
    extend(0);
  }

  void leave() {
    const Step step = path_.back();
    path_.pop_back();
    longest_[step.place] = static_cast<std::uint16_t>(step.longest);
    extend(step.longest + 1);
  }

  /// Takes note of a sequence that goes on for `more` bytes from the last step, if there is one.
  void extend(std::size_t more) {
    if (path_.empty()) return;
    if (path_.size() + more > kSequenceMax) refuse("has sequences of more than {} bytes", kSequenceMax);
    path_.back().longest = std::max(path_.back().longest, more);
  }

  void follow(std::uint32_t place, std::uint32_t label) {
    const std::uint32_t child = place ^ label;
    check_place(child);
    const std::uint32_t unit = units_[child];
    if (label_of(unit) != label) return;
    const std::uint32_t next = child ^ base_of(unit);
    check_place(next);
    if (ends_sequence(unit)) check_offset(units_[next] & kValueMask);
    enter(next);
  }

  void check_offset(std::uint32_t offset) const {
    if (offset >= replacements_.size()) {
      refuse("has a replacement at byte {} of {}", offset, replacements_.size());
    }
    const std::string_view rest = replacements_.substr(offset, kReplacementMax + 1);
    if (rest.find('\0') == std::string_view::npos) {
      refuse("has a replacement at byte {} that does not end within {} bytes", offset, rest.size());
    }
  }

  std::string_view file_;
  std::span<const std::uint32_t> units_;
  std::string_view replacements_;
  std::vector<std::uint16_t> longest_;  // by place, once it has been left
  std::vector<Step> path_;
};

}  // namespace

Charsmap::Charsmap(std::string_view file, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > kBytesMax) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.precompiled_charsmap has {} bytes, at most {} are allowed", file,
         bytes.size(), kBytesMax);
  }
  constexpr std::size_t kUnit = sizeof(std::uint32_t);
  const std::size_t size = bytes.size() < kUnit ? bytes.size() : read_unit(bytes.data());
  if (bytes.size() < kUnit || size >= bytes.size() - kUnit) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.precompiled_charsmap has {} bytes, too few for an array of {}", file,
         bytes.size(), size);
  }
  units_.resize(size / kUnit);
  for (std::size_t i = 0; i < units_.size(); ++i) units_[i] = read_unit(bytes.data() + kUnit + i * kUnit);
  const std::span<const std::byte> rest = bytes.subspan(kUnit + size);
  replacements_.assign(reinterpret_cast<const char*>(rest.data()), rest.size());
  if (!units_.empty()) CharsmapCheck(file, units_, replacements_).run();
}

Charsmap::Hit Charsmap::find(std::string_view text, std::size_t at) const noexcept {
  Hit longest;
  if (units_.empty()) return longest;
  std::uint32_t place = base_of(units_[0]);
  for (std::size_t end = at; end < text.size();) {
    const auto label = static_cast<std::uint8_t>(text[end++]);
    const std::uint32_t child = place ^ label;
    if (label == 0 || label_of(units_[child]) != label) break;
    place = child ^ base_of(units_[child]);
    if (!ends_sequence(units_[child])) continue;
    const char* replacement = replacements_.data() + (units_[place] & kValueMask);
    longest = {std::string_view(replacement), end - at};
  }
  return longest;
}

}  // namespace pith::tokenizer
