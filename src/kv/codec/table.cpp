#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/fail.h"
#include "kv/codec/int_codec.h"
#include "kv/codec/kivi.h"
#include "kv/codec/polarquant.h"
#include "kv/codec/tiers.h"
#include "kv/codec/turboquant.h"
#include "kv/codec/wrapped_codec.h"

namespace pith::kv {
namespace {

using CodecPtr = std::unique_ptr<const Codec>;

struct PromotionRow {
  std::string_view codec = "";
  float noise_min = 0.0F;
};

struct Row {
  std::string_view name;
  CodecPtr (*make)(const CodecShape&, const kernels::KernelTable&);
  /// Name of the codec of recent pages, and how many there are. Empty: none.
  std::string_view recent = "";
  std::size_t recent_pages = 0;
  /// Keys only: Tiers::promotions and promotion_share.
  std::array<PromotionRow, 2> promotions = {};
  double promotion_share = 0.0;
  /// Elements of open pages and of the exact prefix.
  FloatElement exact = FloatElement::kF16;
};

template <FloatElement element, bool rotated = false>
CodecPtr make_float(const CodecShape& shape, const kernels::KernelTable& kernels) {
  return std::make_unique<FloatCodec>(shape, element, kernels, rotated);
}

template <int bits>
CodecPtr make_int(const CodecShape& shape, const kernels::KernelTable& kernels) {
  return std::make_unique<IntCodec>(shape, bits, kernels);
}

/// Makes a codec that uses only the public interface, with its parameters besides the shape.
template <auto make, std::size_t... bits>
CodecPtr make_paper(const CodecShape& shape, const kernels::KernelTable& kernels) {
  return std::make_unique<WrappedCodec>(make(shape, kernels, bits...), kernels);
}

/// All built-in codecs, one line each.
constexpr std::array kTable = {
    Row{.name = "f32", .make = make_float<FloatElement::kF32>, .exact = FloatElement::kF32},
    Row{.name = "f32-rotated", .make = make_float<FloatElement::kF32, true>, .exact = FloatElement::kF32},
    Row{"f16", make_float<FloatElement::kF16>},
    Row{"bf16", make_float<FloatElement::kBF16>},
    Row{"int8", make_int<8>},
    // Shares and recent pages fill up 4.5, 3.5 and 2.5 bits per element in total, with a head size of 64 at 8k tokens.
    Row{"int4", make_int<4>, "int8", 4, {{{"int8", 8.0F}}}, 0.022},
    Row{"int3", make_int<3>, "int8", 3, {{{"int4", 5.0F}, {"int8", 20.0F}}}, 0.03},
    Row{"int2", make_int<2>, "int8", 2, {{{"int3", 4.5F}, {"int4", 12.0F}}}, 0.055},
    // Codecs from papers.
    Row{"turboquant-mse1", make_paper<make_turboquant_mse, 1>},
    Row{"turboquant-mse2", make_paper<make_turboquant_mse, 2>},
    Row{"turboquant-mse3", make_paper<make_turboquant_mse, 3>},
    Row{"turboquant-mse4", make_paper<make_turboquant_mse, 4>},
    Row{"turboquant-mse5", make_paper<make_turboquant_mse, 5>},
    Row{"turboquant-prod1", make_paper<make_turboquant_prod, 1>},
    Row{"turboquant-prod2", make_paper<make_turboquant_prod, 2>},
    Row{"turboquant-prod3", make_paper<make_turboquant_prod, 3>},
    Row{"turboquant-prod4", make_paper<make_turboquant_prod, 4>},
    Row{"polarquant", make_paper<make_polarquant>},
    Row{"kivi2", make_paper<make_kivi, 2>},
    Row{"kivi4", make_paper<make_kivi, 4>},
};

/// At most an eighth of a window is recent pages. Recent pages cost the most per token, and a window never grows enough
/// to amortize them.
std::size_t most_recent_pages(std::size_t window) { return std::max<std::size_t>(1, window / 8 / kPageTokens); }

const Row* find_row(std::string_view name) {
  const auto* row = std::find_if(kTable.begin(), kTable.end(), [&](const Row& r) { return r.name == name; });
  return row == kTable.end() ? nullptr : row;
}

[[noreturn]] void unknown(std::string_view name, const CodecRegistry* registry) {
  std::string known;
  for (const std::string& each : builtin_codecs()) known += (known.empty() ? "" : ", ") + each;
  if (registry != nullptr) {
    for (const std::string& each : registry->names()) known += ", " + each;
  }
  fail(ErrorKind::kUnsupported, "KV codec \"{}\" is not known; known are {}", name, known);
}

CodecPtr wrap_custom(std::string_view name, const CodecFactory& make, const CodecShape& shape,
                     const kernels::KernelTable& kernels) {
  std::unique_ptr<const KvCodec> codec = make(shape);
  if (codec == nullptr) fail(ErrorKind::kInvalidArgument, "KV codec \"{}\": its factory made nothing", name);
  if (codec->shape().size != shape.size || codec->shape().side != shape.side) {
    fail(ErrorKind::kInvalidArgument, "KV codec \"{}\": made for {} elements, asked for {}", name, codec->shape().size,
         shape.size);
  }
  if (codec->page_bytes() == 0) {
    fail(ErrorKind::kInvalidArgument, "KV codec \"{}\": page_bytes() is 0, a page has at least 1 byte", name);
  }
  return std::make_unique<WrappedCodec>(std::move(codec), kernels);
}

}  // namespace

Tiers make_tiers(std::string_view name, const CodecShape& shape, const kernels::KernelTable& kernels,
                 const CodecRegistry* registry, std::size_t window) {
  if (shape.size == 0 || shape.size % kernels::kLanes != 0) {
    fail(ErrorKind::kInvalidArgument, "KV heads have {} elements, must be a multiple of {}", shape.size,
         kernels::kLanes);
  }
  Tiers tiers;
  if (const CodecFactory* custom = registry != nullptr ? registry->find(name) : nullptr) {
    tiers.codec = wrap_custom(name, *custom, shape, kernels);
    tiers.exact = std::make_unique<FloatCodec>(shape, FloatElement::kF16, kernels);
    return tiers;
  }
  const Row* row = find_row(name);
  if (row == nullptr) unknown(name, registry);
  tiers.codec = row->make(shape, kernels);
  tiers.exact = std::make_unique<FloatCodec>(shape, row->exact, kernels);
  for (const PromotionRow& promotion : row->promotions) {
    if (shape.side != KvSide::kKeys || promotion.codec.empty()) continue;
    tiers.promotions.push_back({find_row(promotion.codec)->make(shape, kernels), promotion.noise_min});
    tiers.promotion_share = row->promotion_share;
  }
  if (!row->recent.empty()) {
    tiers.recent = find_row(row->recent)->make(shape, kernels);
    tiers.recent_pages = window == 0 ? row->recent_pages : std::min(row->recent_pages, most_recent_pages(window));
  }
  return tiers;
}

}  // namespace pith::kv

namespace pith::inline v0_1 {

std::vector<std::string> builtin_codecs() {
  std::vector<std::string> names;
  names.reserve(kv::kTable.size());
  for (const auto& row : kv::kTable) names.emplace_back(row.name);
  return names;
}

}  // namespace pith::inline v0_1
