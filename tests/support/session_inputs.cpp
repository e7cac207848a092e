#include "support/session_inputs.h"

#include <random>

namespace pith::test {

std::vector<Token> random_tokens(const Model& model, std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Token> tokens(count);
  for (Token& token : tokens) token = static_cast<Token>(random() % static_cast<unsigned>(model.info().vocab));
  return tokens;
}

SessionOptions with_marks(const std::string& codec) {
  SessionOptions options;
  options.kv.key = codec;
  options.context = 4096;
  options.threads = 1;
  options.marks_share = 100.0;
  return options;
}

std::vector<float> logits_of(const Session& session) { return {session.logits().begin(), session.logits().end()}; }

}  // namespace pith::test
