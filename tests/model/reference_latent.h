#pragma once

#include <cstddef>
#include <string>

#include "model/reference_keys.h"
#include "model/reference_spec.h"
#include "model/reference_weights.h"

// Multi-head latent attention (2405.04434, section 2.1) as the paper writes it first: keys and values of every head.
namespace pith::test {

/// Reads the sizes of heads and what scores are multiplied by.
void read_latent(const ReferenceKeys& keys, ReferenceSpec& spec);

/// A token's queries, keys and values, of all heads.
struct LatentRows {
  Numbers query, key, value;
};

/// Computes them of x (eq. 9 to 19).
LatentRows latent_rows(Weights& w, const ReferenceSpec& s, const std::string& prefix, const Numbers& x,
                       std::size_t position);

}  // namespace pith::test
