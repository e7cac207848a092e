#include <pith/pith.h>

#include <csignal>
#include <iostream>

volatile std::sig_atomic_t stopped = 0;

int main(int argc, char** argv) try {
  std::signal(SIGINT, [](int) { stopped = 1; });
  pith::Session session(pith::Model::load(argc > 1 ? argv[1] : "model.gguf"), {.kv = {.key = "int4"}});
  pith::Chat chat(session, "You are a helpful assistant.");
  const auto print = [](std::string_view piece) { return (std::cout << piece << std::flush) && stopped == 0; };
  for (std::string line; std::cout << "\n> " && std::getline(std::cin, line);) {
    stopped = 0;
    chat.say(line, {}, print);
  }
} catch (const pith::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
