// What a context shift costs and what it leaves: a text streams through a context that is too small for it. Whenever it
// is full, the older half of what follows the first tokens is dropped, and what comes next is scored. Beside it: the
// same tokens fed anew, as an engine without a shift does.
//
// usage: shifting MODEL TEXT [NAME=VALUE...], with the names of Arguments below; lists are separated by commas.
#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sessions/arguments.h"
#include "sessions/inputs.h"

namespace {

struct Arguments {
  std::vector<std::string> kv = {"f16", "int8", "int4", "int2"};
  int tokens = 100000;  ///< Of the stream; a shorter text is repeated.
  int context = 2048;
  int keep = 16;       ///< First tokens that stay.
  int scored = 128;    ///< Tokens after a shift that are scored.
  int fresh_each = 4;  ///< Every so many shifts, the same tokens are fed anew to compare with.
};

Arguments parse(std::span<char*> words) {
  Arguments arguments;
  const auto number = [](int& to) { return [&to](const std::string& value) { to = std::stoi(value); }; };
  pith::bench::parse(words, {
                                {"kv", [&](const std::string& value) { arguments.kv = pith::bench::split(value); }},
                                {"tokens", number(arguments.tokens)},
                                {"context", number(arguments.context)},
                                {"keep", number(arguments.keep)},
                                {"scored", number(arguments.scored)},
                                {"fresh_each", number(arguments.fresh_each)},
                            });
  if (arguments.keep < 1 || arguments.context < 2 * (arguments.keep + arguments.scored) || arguments.fresh_each < 1)
    throw std::invalid_argument("the context must hold twice the first tokens and those that are scored");
  return arguments;
}

std::vector<pith::Token> stream_of(const pith::Model& model, const std::string& path, int tokens) {
  std::vector<pith::Token> once = pith::bench::tokens_of(model, path);
  if (model.tokenizer().bos() >= 0) once.insert(once.begin(), model.tokenizer().bos());
  std::vector<pith::Token> stream;
  while (stream.size() < static_cast<std::size_t>(tokens)) stream.insert(stream.end(), once.begin(), once.end());
  stream.resize(static_cast<std::size_t>(tokens));
  return stream;
}

/// Times and losses, in sums.
struct Sums {
  int tokens = 0;
  double nats = 0.0;
  double seconds = 0.0;
  int times = 0;

  double perplexity() const { return std::exp(nats / std::max(tokens, 1)); }
  double seconds_each() const { return seconds / std::max(times, 1); }
};

template <typename Work>
void timed(Sums& sums, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  sums.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ++sums.times;
}

void score(pith::Session& session, std::span<const pith::Token> tokens, Sums& sums) {
  for (const pith::TokenScore& score : session.score(tokens)) {
    sums.nats -= static_cast<double>(score.logprob);
    ++sums.tokens;
  }
}

void measure(const pith::Model& model, const Arguments& arguments, const std::string& kv,
             std::span<const pith::Token> stream) {
  const pith::SessionOptions options{.kv = {.key = kv}, .context = arguments.context};
  pith::Session session(model, options);
  Sums shifted;
  Sums compared;
  Sums fresh;
  double most_mib = 0.0;
  std::size_t fed = 0;
  const auto scored = static_cast<std::size_t>(arguments.scored);
  while (fed + scored < stream.size()) {
    const auto room = static_cast<std::size_t>(arguments.context - session.position());
    const std::size_t count = std::min(room, stream.size() - fed);
    session.feed(stream.subspan(fed, count));
    fed += count;
    most_mib = std::max(most_mib, static_cast<double>(session.kv_stats().bytes) / 1048576.0);
    if (fed + scored >= stream.size()) break;
    timed(shifted, [&] { session.drop(arguments.keep, (arguments.context - arguments.keep) / 2); });
    const bool compares = (shifted.times - 1) % arguments.fresh_each == 0;
    // The first token after the shift is predicted by logits from before it.
    session.feed(stream.subspan(fed, 1));
    const std::vector<pith::Token> left(session.tokens().begin(), session.tokens().end());
    const std::span<const pith::Token> next = stream.subspan(fed + 1, scored - 1);
    score(session, next, compares ? compared : shifted);
    fed += scored;
    if (!compares) continue;
    pith::Session anew(model, options);
    timed(fresh, [&] { anew.feed(left); });
    score(anew, next, fresh);
    fmt::print(stderr, "{}: {} of {} tokens\r", kv, fed, stream.size());
  }
  shifted.nats += compared.nats;
  shifted.tokens += compared.tokens;
  fmt::print("{:<16} {:>7} {:>7} {:>11.4f} {:>9.2f} {:>8.2f} {:>10.3f} {:>10.3f} {:>8.3f}\n", kv, fed, shifted.times,
             1e3 * shifted.seconds_each(), fresh.seconds_each(), most_mib, compared.perplexity(), fresh.perplexity(),
             compared.perplexity() / fresh.perplexity());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) throw std::invalid_argument("usage: shifting MODEL TEXT [NAME=VALUE...]");
  const Arguments arguments = parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(3));
  const pith::Model model = pith::Model::load(argv[1]);
  const std::vector<pith::Token> stream = stream_of(model, argv[2], arguments.tokens);
  fmt::print("{:<16} {:>7} {:>7} {:>11} {:>9} {:>8} {:>10} {:>10} {:>8}\n", "kv", "tokens", "shifts", "shift ms",
             "anew s", "MiB", "ppl after", "ppl anew", "ratio");
  for (const std::string& kv : arguments.kv) measure(model, arguments, kv, stream);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
