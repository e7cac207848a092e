#pragma once

#include <pith/token.h>

#include <span>
#include <vector>

#include "gguf/file.h"
#include "model/reference_spec.h"

// The oracle of the forward pass: what a model computes, written down from the papers and from what GGUF files mean,
// one token at a time, in double. It shares no code with the room model, the kernels or the cache. It reads files
// through gguf::File and expands weights by weights::dequantize(), which have tests of their own.
namespace pith::test {

/// Returns the logits after every token: [tokens, vocab]. Throws std::invalid_argument if the file has a tensor that
/// the computation did not use, since such a model computes something else.
std::vector<std::vector<double>> reference_logits(const gguf::File& file, const ReferenceSpec& spec,
                                                  std::span<const Token> tokens);

}  // namespace pith::test
