// Eight continuations of one prompt, decoded together: each pass reads the weights once for all of them.
//   example_batch model.gguf "Once upon a time"
#include <pith/pith.h>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  constexpr std::size_t kSessions = 8;
  constexpr int kTokens = 24;
  const pith::Model model = pith::Model::load(argc > 1 ? argv[1] : "model.gguf");
  pith::Session prompt(model);
  prompt.feed(argc > 2 ? argv[2] : "Once upon a time");

  std::vector<pith::Session> sessions;
  std::vector<std::string> texts(kSessions);
  for (std::size_t i = 0; i < kSessions; ++i) {
    sessions.push_back(prompt.fork());
    pith::SamplingOptions sampling;
    sampling.temperature = 0.8F;
    sampling.seed = i;
    sessions.back().set_sampling(sampling);
  }
  pith::Batch batch(model);
  for (int drawn = 0; drawn < kTokens; ++drawn) {
    for (std::size_t i = 0; i < kSessions; ++i) {
      const pith::Token token = sessions[i].sample();
      texts[i] += model.tokenizer().piece(token);
      batch.add(sessions[i], token);
    }
    batch.run();
    batch.rethrow_error();
  }
  for (const std::string& text : texts) std::cout << text << '\n';
  return 0;
} catch (const pith::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
