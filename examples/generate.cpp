#include <pith/pith.h>

#include <iostream>

int main(int argc, char** argv) try {
  pith::Session session(pith::Model::load(argc > 1 ? argv[1] : "model.gguf"), {.kv = {.key = "int4"}});
  std::cout << session.generate(argc > 2 ? argv[2] : "The capital of France is", {.tokens_max = 32}).text << '\n';
} catch (const pith::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
