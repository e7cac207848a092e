#include "tools/quantize_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "tools/byte_size.h"

namespace pith::tools {
namespace {

/// Tensors that go the same way.
struct Kind {
  std::string before;
  std::string after;
  std::size_t tensors = 0;
  std::uint64_t elements = 0;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
};

/// The largest first.
std::vector<Kind> kinds_of(const QuantizeReport& report) {
  std::map<std::pair<std::string, std::string>, Kind> found;
  for (const QuantizedTensor& tensor : report.tensors) {
    Kind& kind = found[{tensor.type_before, tensor.type_after}];
    kind.before = tensor.type_before;
    kind.after = tensor.type_after;
    ++kind.tensors;
    kind.elements += tensor.elements;
    kind.bytes_before += tensor.bytes_before;
    kind.bytes_after += tensor.bytes_after;
  }
  std::vector<Kind> kinds;
  kinds.reserve(found.size());
  for (auto& [types, kind] : found) kinds.push_back(std::move(kind));
  std::stable_sort(kinds.begin(), kinds.end(), [](const Kind& a, const Kind& b) { return a.elements > b.elements; });
  return kinds;
}

/// How often each note stands beside each type, apart from tensors that are kept.
std::map<std::pair<std::string, std::string>, std::size_t> fallbacks_of(const QuantizeReport& report) {
  std::map<std::pair<std::string, std::string>, std::size_t> found;
  for (const QuantizedTensor& tensor : report.tensors) {
    if (!tensor.note.empty() && tensor.note != "kept") ++found[{tensor.note, tensor.type_after}];
  }
  return found;
}

}  // namespace

std::string quantize_text(const QuantizeReport& report) {
  constexpr std::string_view kLine = "{:<8} {:<8} {:>8} {:>14} {:>12} {:>12}\n";
  std::string text = fmt::format(kLine, "from", "to", "tensors", "weights", "bytes before", "bytes after");
  for (const Kind& kind : kinds_of(report)) {
    text += fmt::format(kLine, kind.before, kind.after, kind.tensors, kind.elements, bytes_text(kind.bytes_before),
                        bytes_text(kind.bytes_after));
  }
  for (const auto& [what, tensors] : fallbacks_of(report)) {
    text += fmt::format("{} {}: {} {} instead\n", tensors, tensors == 1 ? "tensor" : "tensors", what.first + ":",
                        what.second);
  }
  return text + fmt::format("{} bytes ({}), before {} ({}); {:.2f} bits per weight\n", report.bytes_after,
                            bytes_text(report.bytes_after), report.bytes_before, bytes_text(report.bytes_before),
                            report.bits_per_weight());
}

Json quantize_json(const QuantizeReport& report) {
  Json json;
  json["bytes_before"] = report.bytes_before;
  json["bytes_after"] = report.bytes_after;
  json["weights"] = report.elements;
  json["bits_per_weight"] = report.bits_per_weight();
  json["tensors"] = Json::array();
  for (const QuantizedTensor& tensor : report.tensors) {
    json["tensors"].push_back({{"name", one_line(tensor.name)},
                               {"shape", tensor.shape},
                               {"type_before", tensor.type_before},
                               {"type_after", tensor.type_after},
                               {"bytes_before", tensor.bytes_before},
                               {"bytes_after", tensor.bytes_after},
                               {"note", tensor.note}});
  }
  return json;
}

}  // namespace pith::tools
