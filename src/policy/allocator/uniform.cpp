#include <vector>

#include "policy/allocator/layers.h"
#include "policy/allocators.h"
#include "policy/apportion.h"
#include "policy/parameters.h"

namespace pith::policy {
namespace {

/// All heads keep the same number of tokens.
class Uniform final : public BudgetAllocator {
 public:
  void allocate(std::span<const HeadScores> heads, std::size_t total, std::span<std::size_t> budgets) const override {
    apportion(std::vector<double>(heads.size(), 1.0), candidates_of(heads), total, budgets);
  }
};

}  // namespace

AllocatorPtr make_uniform(const PolicyParameters& parameters) {
  refuse_parameters("allocator \"uniform\"", parameters);
  return std::make_unique<Uniform>();
}

}  // namespace pith::policy
