#pragma once

#include <pith/ranks.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "model/fingerprint.h"

namespace pith::model {

/// Compares what must be the same on all ranks. Throws Error(kPeer) naming the first rank that differs and what it
/// does: "feeds other tokens".
void check_same(Ranks& ranks, std::span<const std::byte> mine, std::string_view otherwise);

/// Compares versions and models, which must be the same in every bit that outputs depend on.
void check_same_model(Ranks& ranks, const Fingerprint& fingerprint);

}  // namespace pith::model
