#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "soak/run.h"

// pith_soak: opens, forks, evicts, saves, restores and closes sessions at random, and checks that results stay right.
namespace pith::soak {
namespace {

constexpr std::string_view kUsage =
    "usage: pith_soak [--minutes X | --rounds N] [--steps N] [--threads N] [--seed N] [--first-round N] [--model "
    "FILE]...\n";

template <typename T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// Returns false for an unknown option.
bool read(int argc, char** argv, RunOptions& options) {
  const std::map<std::string_view, std::function<bool(std::string_view)>> known = {
      {"--minutes", [&](auto text) { return parse(text, options.minutes.emplace()) && *options.minutes > 0; }},
      {"--rounds", [&](auto text) { return parse(text, options.rounds); }},
      {"--steps", [&](auto text) { return parse(text, options.steps) && options.steps > 0; }},
      {"--threads",
       [&](auto text) { return parse(text, options.threads) && options.threads > 0 && options.threads <= 256; }},
      {"--seed", [&](auto text) { return parse(text, options.seed); }},
      {"--first-round", [&](auto text) { return parse(text, options.first_round); }},
      {"--model",
       [&](auto text) {
         options.models.emplace_back(text);
         return true;
       }},
  };
  for (int i = 1; i < argc; i += 2) {
    const auto option = known.find(argv[i]);
    if (option == known.end() || i + 1 == argc || !option->second(argv[i + 1])) return false;
  }
  return true;
}

}  // namespace
}  // namespace pith::soak

int main(int argc, char** argv) {
  pith::soak::RunOptions options;
  if (!pith::soak::read(argc, argv, options)) {
    fmt::print(stderr, "{}", pith::soak::kUsage);
    return 2;
  }
  try {
    return pith::soak::run(options) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "pith_soak: {}\n", error.what());
    return 1;
  }
}
