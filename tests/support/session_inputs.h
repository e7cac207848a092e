#pragma once

#include <pith/session.h>

#include <cstddef>
#include <string>
#include <vector>

namespace pith::test {

/// Returns tokens of a model's vocabulary, the same for the same seed.
std::vector<Token> random_tokens(const Model& model, std::size_t count, unsigned seed);

/// Returns options of a session with this KV type, one thread, and room for any number of marks.
SessionOptions with_marks(const std::string& codec);

/// Returns a copy of the current logits.
std::vector<float> logits_of(const Session& session);

}  // namespace pith::test
