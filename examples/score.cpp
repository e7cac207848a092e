// How likely the model finds each token of a continuation: its log-probability and its rank, and their sum.
//   example_score model.gguf "The capital of France is" " Paris."
#include <pith/pith.h>

#include <iostream>
#include <vector>

int main(int argc, char** argv) try {
  pith::Session session(pith::Model::load(argc > 1 ? argv[1] : "model.gguf"));
  const pith::Tokenizer& tokenizer = session.model().tokenizer();
  session.feed(argc > 2 ? argv[2] : "The capital of France is");
  // A continuation begins with no BOS.
  const std::vector<pith::Token> tokens = tokenizer.encode(argc > 3 ? argv[3] : " Paris.", {.add_special = false});
  double sum = 0.0;
  std::cout << "logprob\trank\ttoken\n";
  for (const pith::TokenScore& score : session.score(tokens)) {
    std::cout << score.logprob << '\t' << score.rank << '\t' << tokenizer.piece(score.token, true) << '\n';
    sum += score.logprob;
  }
  std::cout << sum << "\t\tall\n";
} catch (const pith::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
