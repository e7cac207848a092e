// The cosine of two texts' embeddings: near 1 where they mean much the same to the model.
//   example_embed model.gguf "a cat on a mat" "a kitten on a rug"
#include <pith/pith.h>

#include <iostream>
#include <numeric>
#include <vector>

int main(int argc, char** argv) try {
  pith::Session session(pith::Model::load(argc > 1 ? argv[1] : "model.gguf"));
  const std::vector<float> one = session.embed(argc > 2 ? argv[2] : "a cat on a mat");
  session.reset();  // or the first text would be the second one's context
  const std::vector<float> other = session.embed(argc > 3 ? argv[3] : "a kitten on a rug");
  // Embeddings have the length 1, so their dot product is the cosine.
  std::cout << std::inner_product(one.begin(), one.end(), other.begin(), 0.0) << '\n';
} catch (const pith::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
