#include <array>
#include <string>

#include "base/fail.h"
#include "kv/codec/float_codec.h"
#include "kv/codec/int_codec.h"

namespace pith::kv {
namespace {

struct Row {
  std::string_view name;
  std::unique_ptr<const Codec> (*make)(const kernels::KernelTable&);
};

template <FloatElement element>
std::unique_ptr<const Codec> make_float(const kernels::KernelTable& kernels) {
  return std::make_unique<FloatCodec>(element, kernels);
}

template <int bits>
std::unique_ptr<const Codec> make_int(const kernels::KernelTable& kernels) {
  return std::make_unique<IntCodec>(bits, kernels);
}

/// Every codec, one line each.
constexpr std::array kTable = {
    Row{"f32", make_float<FloatElement::kF32>},
    Row{"f16", make_float<FloatElement::kF16>},
    Row{"bf16", make_float<FloatElement::kBF16>},
    Row{"int8", make_int<8>},
    Row{"int4", make_int<4>},
};

}  // namespace

std::unique_ptr<const Codec> make_codec(std::string_view name, const kernels::KernelTable& kernels) {
  std::string known;
  for (const Row& row : kTable) {
    if (row.name == name) return row.make(kernels);
    known += known.empty() ? "" : ", ";
    known += row.name;
  }
  fail(ErrorKind::kUnsupported, "KV codec \"{}\" is not known; known are {}", name, known);
}

Queries Queries::slice(std::size_t first, std::size_t count) const {
  Queries part = *this;
  part.rows = count;
  part.values += first * size;
  if (split.high != nullptr) {
    part.split.high += first * size;
    part.split.low += first * size;
    part.split.scales += first;
    part.split.high_sums += first;
    part.split.low_sums += first;
    part.split.rows = count;
  }
  return part;
}

}  // namespace pith::kv
