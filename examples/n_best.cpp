// Several continuations of one prompt, which is computed once: samples, and the best ones by beam search.
//   example_n_best model.gguf "Names of rivers:"
#include <pith/pith.h>

#include <iostream>

int main(int argc, char** argv) try {
  pith::Session session(pith::Model::load(argc > 1 ? argv[1] : "model.gguf"), {.kv = {.key = "int4"}});
  session.feed(argc > 2 ? argv[2] : "Names of rivers:");

  pith::GenerateOptions options;
  options.tokens_max = 16;
  options.sampling.temperature = 0.9F;
  options.sampling.seed = 1;  // each sample gets a seed that is derived from this one
  for (const pith::Generation& sample : pith::generate_n(session, 3, options))
    std::cout << "sample\t" << sample.text << '\n';

  for (const pith::Hypothesis& best : pith::beam_search(session, {.beams = 4, .n_best = 3, .tokens_max = 16}))
    std::cout << best.score << '\t' << best.text << '\n';
} catch (const pith::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
