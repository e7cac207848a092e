#pragma once

#include <pith/eviction.h>

#include <memory>

/// The built-in policies, one file each, listed in docs/policies.md. Each factory throws Error(kInvalidArgument) for a
/// parameter that it does not know or that is out of range.
namespace pith::policy {

using PolicyPtr = std::unique_ptr<const EvictionPolicy>;

PolicyPtr make_window(const PolicyParameters& parameters);
PolicyPtr make_h2o(const PolicyParameters& parameters);
PolicyPtr make_tova(const PolicyParameters& parameters);
PolicyPtr make_snapkv(const PolicyParameters& parameters);
PolicyPtr make_pyramidkv(const PolicyParameters& parameters);
PolicyPtr make_adakv(const PolicyParameters& parameters);
PolicyPtr make_keydiff(const PolicyParameters& parameters);
PolicyPtr make_knorm(const PolicyParameters& parameters);
PolicyPtr make_expected_attention(const PolicyParameters& parameters);
PolicyPtr make_kvzip(const PolicyParameters& parameters);
PolicyPtr make_random(const PolicyParameters& parameters);

}  // namespace pith::policy
