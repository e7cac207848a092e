#include "kv/read/stripe_states.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/fail.h"

namespace pith::kv {

void StripeStates::begin(const Ranks& ranks, std::size_t size) {
  size_ = size;
  rank_ = ranks.rank();
  ranks_ = ranks.count();
  blocks_.clear();
  begins_.assign(ranks_, 0);
  said_ = {};
}

void StripeStates::add(std::size_t rows, std::size_t chunks) {
  const Block block = {rows, chunks};
  const std::size_t before = blocks_.size() * ranks_;
  for (std::size_t rank = 0; rank < ranks_; ++rank) {
    const std::size_t stripes = StripeSet{rank, ranks_}.count(chunks);
    begins_.push_back(begins_[before + rank] + stripes * state_size(block));
  }
  blocks_.push_back(block);
  mine_.resize(begin_of(rank_, blocks_.size()));
}

void StripeStates::put(std::size_t block, std::size_t stripe, const SoftmaxRows& state) {
  float* to = &mine_[begin_of(rank_, block) + stripe / ranks_ * state_size(blocks_[block])];
  to = std::copy_n(state.references, state.rows, to);
  to = std::copy_n(state.sums, state.rows, to);
  std::copy_n(state.out, state.rows * state.size, to);
}

void StripeStates::exchange(Ranks& ranks, std::uint64_t topic) {
  said_ = ranks.exchange(topic, std::as_bytes(std::span(mine_)));
  for (std::size_t rank = 0; rank < ranks_; ++rank) {
    const std::size_t expected = begin_of(rank, blocks_.size()) * sizeof(float);
    if (said_[rank].size() == expected) continue;
    fail(ErrorKind::kIntegrity, "rank {} says {} bytes about softmax states, not {}", rank, said_[rank].size(),
         expected);
  }
}

void StripeStates::merge_block(const kernels::KernelTable& kernels, std::size_t block, const SoftmaxRows& part,
                               const SoftmaxRows& total) const {
  reset(total);
  const Block& of = blocks_[block];
  for (std::size_t stripe = 0; stripe < std::min(kStripes, of.chunks); ++stripe) {
    const std::size_t rank = stripe % ranks_;
    const std::size_t at = begin_of(rank, block) + stripe / ranks_ * state_size(of);
    const std::byte* from = said_[rank].data() + at * sizeof(float);
    for (const auto& [to, count] :
         {std::pair(part.references, of.rows), std::pair(part.sums, of.rows), std::pair(part.out, of.rows * size_)}) {
      std::memcpy(to, from, count * sizeof(float));
      from += count * sizeof(float);
    }
    merge(kernels, part, total);
  }
}

}  // namespace pith::kv
