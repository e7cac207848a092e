#pragma once

#include <pith/decoding.h>

#include "options/table.h"

namespace pith::options {

template <>
struct Table<BeamOptions> {
  using O = BeamOptions;
  static constexpr std::tuple rows{
      option("beams", &O::beams, "Sequences that are followed at once").at_least(1),
      option("n_best", &O::n_best, "Hypotheses that are returned, at most as many as beams").at_least(1),
      option("tokens_max", &O::tokens_max, "Tokens of a hypothesis at most").at_least(1),
      option("length_penalty", &O::length_penalty, "The power of the length by which a hypothesis is divided"),
      option("stop_tokens", &O::stop_tokens, "Tokens that end a hypothesis"),
  };
};
static_assert(is_complete<BeamOptions>());

}  // namespace pith::options
