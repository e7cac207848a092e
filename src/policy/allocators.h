#pragma once

#include <pith/eviction.h>

#include <memory>

/// The built-in allocators and selectors, one file each.
namespace pith::policy {

using AllocatorPtr = std::unique_ptr<const BudgetAllocator>;
using SelectorPtr = std::unique_ptr<const TokenSelector>;

AllocatorPtr make_uniform(const PolicyParameters& parameters);
AllocatorPtr make_pyramid(const PolicyParameters& parameters);
AllocatorPtr make_adaptive(const PolicyParameters& parameters);

SelectorPtr make_token(const PolicyParameters& parameters);
SelectorPtr make_page(const PolicyParameters& parameters);

}  // namespace pith::policy
