#include "support/session_inputs.h"

#include <random>

namespace pith::test {

std::vector<Token> random_tokens(const Model& model, std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Token> tokens(count);
  for (Token& token : tokens) token = static_cast<Token>(random() % static_cast<unsigned>(model.info().vocab));
  return tokens;
}

std::vector<float> logits_of(const Session& session) { return {session.logits().begin(), session.logits().end()}; }

}  // namespace pith::test
