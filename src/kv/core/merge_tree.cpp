#include "kv/core/merge_tree.h"

namespace pith::kv {

MergeTree::MergeTree(const kernels::KernelTable& kernels, const SoftmaxRows& stripe, const SoftmaxRows& total)
    : kernels_(&kernels), stripe_(stripe), total_(total) {
  reset(stripe_);
  reset(total_);
}

void MergeTree::end_stripe() const {
  merge(*kernels_, stripe_, total_);
  reset(stripe_);
}

}  // namespace pith::kv
