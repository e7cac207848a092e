// A session whose KV cache several processes hold together: mpirun -n 2 example_cluster MODEL.gguf "A prompt".
#include <pith/cluster.h>
#include <pith/pith.h>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: mpirun -n RANKS example_cluster MODEL.gguf PROMPT\n";
    return 2;
  }
  try {
    const pith::Cluster cluster = pith::Cluster::world();
    try {
      // Every rank makes the same calls and gets the same results; one of them tells.
      const pith::Model model = cluster.load(argv[1]);
      pith::Session session(model, {.kv = {.key = "int4"}});
      const pith::Generation generation = session.generate(argv[2], {.tokens_max = 64});
      if (cluster.rank() == 0) std::cout << generation.text << '\n';
      return 0;
    } catch (const std::exception& error) {
      std::cerr << "rank " << cluster.rank() << ": " << error.what() << '\n';
      // The others would wait for this one.
      cluster.end_all(1);
      return 1;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
