#include "kv/codec/float_codec.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/half.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

}  // namespace

kernels::FloatDotKernel FloatCodec::dot() const {
  switch (element_) {
    case FloatElement::kF32:
      return kernels_->dot_f32;
    case FloatElement::kF16:
      return kernels_->dot_f16;
    case FloatElement::kBF16:
      break;
  }
  return kernels_->dot_bf16;
}

const kernels::MoveKernels& FloatCodec::move() const {
  switch (element_) {
    case FloatElement::kF32:
      return kernels_->move_f32;
    case FloatElement::kF16:
      return kernels_->move_f16;
    case FloatElement::kBF16:
      break;
  }
  return kernels_->move_bf16;
}

template <typename Element, typename Narrow>
void FloatCodec::put_elements(const float* row, std::size_t tokens, std::size_t token, std::byte* page,
                              const Narrow& narrow) const {
  const std::size_t size = shape().size;
  std::array<Element, kLanes> block;
  for (std::size_t i = 0; i < size; i += kLanes) {
    narrow(row + i, block.data());
    if (shape().side == KvSide::kValues) {
      std::memcpy(page + (i / kLanes * tokens + token) * sizeof block, block.data(), sizeof block);
      continue;
    }
    std::byte* to = page + (token / kLanes * size + i) * sizeof block + token % kLanes * sizeof(Element);
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      std::memcpy(to + lane * sizeof block, &block[lane], sizeof(Element));
  }
}

void FloatCodec::put_row(const float* row, std::size_t tokens, std::size_t token, std::byte* page) const {
  switch (element_) {
    case FloatElement::kF32:
      put_elements<float>(row, tokens, token, page, [](const float* x, float* to) { std::copy_n(x, kLanes, to); });
      break;
    case FloatElement::kF16:
      put_elements<std::uint16_t>(row, tokens, token, page,
                                  [&](const float* x, std::uint16_t* to) { kernels_->narrow_f16(x, kLanes, to); });
      break;
    case FloatElement::kBF16:
      put_elements<std::uint16_t>(row, tokens, token, page, [](const float* x, std::uint16_t* to) {
        std::transform(x, x + kLanes, to, f32_to_bf16);
      });
      break;
  }
}

void FloatCodec::get_rows(const std::byte* page, std::size_t tokens, std::size_t count, float* rows) const {
  const std::size_t size = shape().size;
  if (shape().side == KvSide::kKeys) {
    for (std::size_t t = 0; t < count; t += kLanes) {
      move().transpose(page + t * size * element_bytes(), kLanes, size, kLanes, rows + t * size, size);
    }
  } else {
    for (std::size_t i = 0; i < size; i += kLanes) {
      move().copy(page + i * tokens * element_bytes(), kLanes, count, kLanes, rows + i, size);
    }
  }
}

void FloatCodec::encode(std::span<const float> rows, std::size_t, std::span<std::byte> page) const {
  for (std::size_t t = 0; t < kPageTokens; ++t) put_row(&rows[t * shape().size], kPageTokens, t, page.data());
}

void FloatCodec::decode(std::span<const std::byte> page, std::span<float> rows) const {
  get_rows(page.data(), kPageTokens, kPageTokens, rows.data());
}

void FloatCodec::score(std::span<const float> queries, std::span<const std::byte> page, std::span<float> scores) const {
  score_tokens(queries.data(), queries.size() / shape().size, {page.data(), kPageTokens, kPageTokens}, scores.data());
}

void FloatCodec::accumulate(std::span<const float> probabilities, std::span<const std::byte> page,
                            std::span<float> out) const {
  accumulate_tokens(probabilities.data(), probabilities.size() / kPageTokens, {page.data(), kPageTokens, kPageTokens},
                    out.data());
}

void FloatCodec::score_tokens(const float* queries, std::size_t rows, const Tokens& keys, float* scores) const {
  const std::size_t size = shape().size;
  dot()({keys.page, keys.count / kLanes, size * kLanes * element_bytes()}, {queries, size, rows, size}, scores,
        kPageTokens, false);
}

void FloatCodec::accumulate_tokens(const float* probabilities, std::size_t rows, const Tokens& values,
                                   float* out) const {
  const std::size_t size = shape().size;
  dot()({values.page, size / kLanes, values.tokens * kLanes * element_bytes()},
        {probabilities, kPageTokens, rows, values.count}, out, size, true);
}

void FloatCodec::accumulate_tokens(const kernels::SoftmaxStep& step, const Tokens& values) const {
  kernels_->softmax_rows(step);
  accumulate_tokens(step.scores, step.rows, values, step.out);
}

void FloatCodec::copy_token(const std::byte* source, std::size_t from, std::byte* target, std::size_t to) const {
  const std::size_t size = shape().size;
  const auto copy = [&](std::size_t from_element, std::size_t to_element, std::size_t count) {
    std::memcpy(target + to_element * element_bytes(), source + from_element * element_bytes(),
                count * element_bytes());
  };
  if (shape().side == KvSide::kKeys) {
    const std::size_t from_tile = from / kLanes * size * kLanes + from % kLanes;
    const std::size_t to_tile = to / kLanes * size * kLanes + to % kLanes;
    for (std::size_t i = 0; i < size; ++i) copy(from_tile + i * kLanes, to_tile + i * kLanes, 1);
  } else {
    for (std::size_t i = 0; i < size; i += kLanes)
      copy((i / kLanes * kPageTokens + from) * kLanes, (i / kLanes * kPageTokens + to) * kLanes, kLanes);
  }
}

}  // namespace pith::kv
