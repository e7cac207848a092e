// Sixteen sessions of one model, each used by a thread of its own, and what they hold in memory.
//   example_many_sessions model.gguf "Once upon a time"
#include <pith/pith.h>

#include <iostream>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) try {
  constexpr std::size_t kSessions = 16;
  const pith::Model model = pith::Model::load(argc > 1 ? argv[1] : "model.gguf");
  const std::string prompt = argc > 2 ? argv[2] : "Once upon a time";
  std::vector<pith::Session> sessions;
  for (std::size_t i = 0; i < kSessions; ++i) sessions.emplace_back(model);
  std::vector<std::string> texts(kSessions);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kSessions; ++i) {
      threads.emplace_back([&, i] {
        try {
          pith::GenerateOptions options;
          options.tokens_max = 16;
          options.sampling.temperature = 0.8F;
          options.sampling.seed = i;
          texts[i] = sessions[i].generate(prompt, options).text;
        } catch (const pith::Error& error) {
          texts[i] = error.what();
        }
      });
    }
  }  // waits for all

  std::uint64_t held = 0;
  for (std::size_t i = 0; i < kSessions; ++i) {
    const pith::SessionMemory memory = sessions[i].memory();
    std::cout << memory.cache << " bytes of cache, " << memory.state << " of state: " << texts[i] << '\n';
    held += memory.own();
  }
  std::cout << held << " bytes in " << kSessions << " sessions; shared: " << model.info().weight_bytes
            << " of weights, " << sessions[0].memory().scratch_shared << " of scratch memory\n";
} catch (const pith::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
