#pragma once

#include <pith/token.h>

#include <span>
#include <vector>

#include "model/reference_spec.h"
#include "model/reference_weights.h"

namespace pith::test {

/// Computes an encoder's final hidden states of a text, [tokens][embedding], in double (1810.04805, section 3).
std::vector<Numbers> reference_hidden(const gguf::File& file, const ReferenceSpec& spec, std::span<const Token> tokens);

}  // namespace pith::test
