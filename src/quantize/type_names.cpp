#include "quantize/type_names.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/fail.h"
#include "base/printable.h"
#include "weights/quantize.h"

namespace pith::quantize {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

gguf::TensorType find_type(std::string_view name, std::string_view what) {
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < gguf::kTensorTypes; ++i) {
    const gguf::TensorTypeInfo& info = gguf::tensor_type_at(i);
    if (!weights::can_quantize(info.type)) continue;
    if (same_name(info.name, name)) return info.type;
    known.push_back(info.name);
  }
  fail(ErrorKind::kInvalidArgument, "{}: tensor type {} is not one of {}", what, printable(name),
       fmt::join(known, ", "));
}

}  // namespace pith::quantize
