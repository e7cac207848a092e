#include "kv/core/merge_tree.h"

namespace pith::kv {

MergeTree::MergeTree(const kernels::KernelTable& kernels, const SoftmaxRows& subtree, const SoftmaxRows& total)
    : kernels_(&kernels), subtree_(subtree), total_(total) {
  reset(subtree_);
  reset(total_);
}

void MergeTree::end_subtree() const {
  merge(*kernels_, subtree_, total_);
  reset(subtree_);
}

}  // namespace pith::kv
