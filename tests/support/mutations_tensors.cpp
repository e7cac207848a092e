#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "gguf/tensor_type.h"
#include "support/mutations.h"

namespace pith::test {
namespace {

using gguf::TensorType;

using Change = std::function<void(GgufWriter::Tensor&)>;

/// Adds a change of tensor i.
void add(Mutations& to, const GgufWriter& writer, std::size_t i, const std::string& what, bool must_fail,
         const Change& change) {
  to.push_back({writer.tensors[i].name + " " + what, must_fail, [=](GgufWriter& w) { change(w.tensors[i]); }});
}

void add_names(const GgufWriter& writer, std::size_t i, Mutations& to) {
  const std::string name = writer.tensors[i].name;
  for (const std::string& other : {std::string(), name + "\n", name + std::string(1, '\0'), std::string("\xFF\xFE"),
                                   name + ".x", std::string(64, 'n'), std::string(65, 'n'), std::string(100000, 'n'),
                                   std::string("blk.7.attn_q.weight"), std::string("token_embd.weight.weight")}) {
    add(to, writer, i, "renamed to " + std::to_string(other.size()) + " bytes", true,
        [=](GgufWriter::Tensor& t) { t.name = other; });
  }
}

void add_dims(const GgufWriter& writer, std::size_t i, Mutations& to) {
  const std::vector<std::uint64_t> dims = writer.tensors[i].dims;
  const auto set = [&](const std::vector<std::uint64_t>& other) {
    std::string text = "is";
    for (const std::uint64_t dim : other) text += " " + std::to_string(dim);
    auto plain = other;
    while (plain.size() > 1 && plain.back() == 1) plain.pop_back();
    auto own = dims;
    while (own.size() > 1 && own.back() == 1) own.pop_back();
    add(to, writer, i, text, plain != own, [=](GgufWriter::Tensor& t) { t.dims = other; });
  };
  for (std::size_t d = 0; d < dims.size(); ++d) {
    for (const std::uint64_t dim :
         {std::uint64_t{0}, std::uint64_t{1}, dims[d] - 1, dims[d] + 1, dims[d] + 32, dims[d] * 2, dims[d] / 2,
          std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 59, std::uint64_t{1} << 62,
          std::uint64_t{1} << 63, ~std::uint64_t{0} - 31, ~std::uint64_t{0}}) {
      auto other = dims;
      other[d] = dim;
      set(other);
    }
  }
  auto turned = dims;
  std::reverse(turned.begin(), turned.end());
  if (turned != dims) set(turned);
  set({});
  for (std::size_t more = 1; more <= 3; ++more) {
    auto longer = dims;
    longer.resize(dims.size() + more, 1);
    set(longer);
    longer.back() = 2;
    set(longer);
  }
  const std::uint64_t half = std::uint64_t{1} << 32;
  set({half, half});
  set({half, half, half, half});
  set({std::uint64_t{1} << 31, std::uint64_t{1} << 31, 4, 1});
}

void add_types(const GgufWriter& writer, std::size_t i, Mutations& to) {
  const std::uint32_t own = writer.tensors[i].type;
  for (std::uint32_t type = 0; type < 45; ++type) {
    if (type == own) continue;
    // Some types take as many bytes as the tensor's own.
    const gguf::TensorTypeInfo* info = gguf::find_tensor_type(type);
    add(to, writer, i, "is of type " + std::to_string(type), info == nullptr,
        [=](GgufWriter::Tensor& t) { t.type = type; });
  }
  for (const std::uint32_t type : {77U, 0x10000U, 0x7FFFFFFFU, ~0U}) {
    add(to, writer, i, "is of type " + std::to_string(type), true, [=](GgufWriter::Tensor& t) { t.type = type; });
  }
}

void add_places(const GgufWriter& writer, std::size_t i, Mutations& to) {
  std::uint64_t own = 0;
  for (std::size_t t = 0; t < i; ++t) own += (writer.tensors[t].data.size() + 31) / 32 * 32;
  for (const std::uint64_t offset :
       {std::uint64_t{0}, own - 32, own + 32, own + 1, own + 16, own + 4096, std::uint64_t{1} << 40,
        std::uint64_t{1} << 63, ~std::uint64_t{0} - 31, ~std::uint64_t{0}}) {
    if (offset == own) continue;
    add(to, writer, i, "is at " + std::to_string(offset), true,
        [=](GgufWriter::Tensor& t) { t.stated_offset = offset; });
  }
  // Half of what fills one place of 32 bytes or less takes the same place.
  add(to, writer, i, "has less data", writer.tensors[i].data.size() > 32,
      [](GgufWriter::Tensor& t) { t.data.resize(t.data.size() / 2); });
  add(to, writer, i, "has no data", true, [](GgufWriter::Tensor& t) { t.data.clear(); });
  add(to, writer, i, "has more data", true, [](GgufWriter::Tensor& t) { t.data.resize(t.data.size() + 64); });
}

/// Where a type stores its floats, according to the format's documentation: elements, or scales and minimums of a
/// block.
struct Floats {
  TensorType type;
  std::array<std::size_t, 2> offsets;
  std::size_t count;
};

constexpr std::array<Floats, gguf::kTensorTypes> kFloats = {
    {{TensorType::kF32, {0}, 1},     {TensorType::kF16, {0}, 1},     {TensorType::kBF16, {0}, 1},
     {TensorType::kQ4_0, {0}, 1},    {TensorType::kQ4_1, {0, 2}, 2}, {TensorType::kQ5_0, {0}, 1},
     {TensorType::kQ5_1, {0, 2}, 2}, {TensorType::kQ8_0, {0}, 1},    {TensorType::kQ2_K, {80, 82}, 2},
     {TensorType::kQ3_K, {108}, 1},  {TensorType::kQ4_K, {0, 2}, 2}, {TensorType::kQ5_K, {0, 2}, 2},
     {TensorType::kQ6_K, {208}, 1},  {TensorType::kIQ4_NL, {0}, 1},  {TensorType::kIQ4_XS, {0}, 1},
     {TensorType::kQ8_K, {0}, 1},    {TensorType::kMXFP4, {0}, 1},   {TensorType::kNVFP4, {}, 0},
     {TensorType::kIQ1_S, {0}, 1},   {TensorType::kIQ1_M, {52}, 1},  {TensorType::kIQ2_XXS, {0}, 1},
     {TensorType::kIQ2_XS, {0}, 1},  {TensorType::kIQ2_S, {0}, 1},   {TensorType::kIQ3_XXS, {0}, 1},
     {TensorType::kIQ3_S, {0}, 1},   {TensorType::kTQ1_0, {52}, 1},  {TensorType::kTQ2_0, {64}, 1}}};

/// Returns the bits of NaN and infinities of a type, in as many bytes as its floats have.
std::vector<std::pair<std::string, std::uint32_t>> not_finite(TensorType type) {
  if (type == TensorType::kF32 || type == TensorType::kQ8_K) {
    return {{"NaN", 0x7FC00000}, {"a signalling NaN", 0x7F800001}, {"infinity", 0x7F800000}, {"-infinity", 0xFF800000}};
  }
  // The largest exponent and codes that are not zero.
  if (type == TensorType::kMXFP4) return {{"overflow", 0xFFFF}};
  // The high nibbles of two words are those of the scale.
  if (type == TensorType::kIQ1_M) return {{"a scale that is not finite", 0x7000C000}};
  if (type == TensorType::kBF16) return {{"NaN", 0x7FC0}, {"infinity", 0x7F80}, {"-infinity", 0xFF80}};
  return {{"NaN", 0x7E00}, {"-NaN", 0xFFFF}, {"infinity", 0x7C00}, {"-infinity", 0xFC00}};
}

}  // namespace

void add_tensor_mutations(const GgufWriter& writer, Mutations& to) {
  for (std::size_t i = 0; i < writer.tensors.size(); ++i) {
    const std::string& name = writer.tensors[i].name;
    // These two may be absent: the embedding then serves as output matrix, and frequencies are not divided.
    const bool is_optional = name == "output.weight" || name == "rope_freqs.weight";
    to.push_back({name + " absent", !is_optional,
                  [=](GgufWriter& w) { w.tensors.erase(w.tensors.begin() + static_cast<std::ptrdiff_t>(i)); }});
    to.push_back({name + " twice", true, [=](GgufWriter& w) { w.tensors.push_back(w.tensors[i]); }});
    add_names(writer, i, to);
    add_dims(writer, i, to);
    add_types(writer, i, to);
    add_places(writer, i, to);
  }
  to.push_back({"a tensor that nobody knows", true, [](GgufWriter& w) {
                  const std::vector<float> values(8, 1.0F);
                  w.add_tensor("blk.0.attn_q.scale", {8}, values);
                }});
  to.push_back({"no tensors", true, [](GgufWriter& w) { w.tensors.clear(); }});
}

void add_weight_mutations(const GgufWriter& writer, Mutations& to) {
  for (std::size_t i = 0; i < writer.tensors.size(); ++i) {
    const GgufWriter::Tensor& tensor = writer.tensors[i];
    const auto* info = gguf::find_tensor_type(tensor.type);
    const auto* floats =
        std::find_if(kFloats.begin(), kFloats.end(), [&](const Floats& f) { return f.type == info->type; });
    const bool is_wide =
        info->type == TensorType::kF32 || info->type == TensorType::kQ8_K || info->type == TensorType::kIQ1_M;
    const std::size_t size = is_wide ? 4 : 2;
    const std::size_t blocks = tensor.data.size() / info->block_bytes;
    for (const std::size_t block : {std::size_t{0}, blocks / 2, blocks - 1}) {
      for (std::size_t f = 0; f < floats->count; ++f) {
        const std::size_t at = block * info->block_bytes + floats->offsets[f];
        for (const auto& [what, bits] : not_finite(info->type)) {
          add(to, writer, i, "has " + what + " at byte " + std::to_string(at), true,
              [at, size, bits = bits](GgufWriter::Tensor& t) { std::memcpy(&t.data[at], &bits, size); });
        }
      }
    }
  }
}

}  // namespace pith::test
