// How long it takes to go back in a long conversation: feeds messages, marks each, takes tokens back to one of them and
// feeds another message there, as somebody does who edits it. Beside it: the prefill. The logits must be, bit for bit,
// those of a session that never went further.
//
// usage: going_back MODEL [NAME=VALUE...], with the names of Arguments below; lists are separated by commas.
#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sessions/arguments.h"
#include "sessions/inputs.h"

namespace {

using Seconds = std::chrono::duration<double>;

struct Arguments {
  std::vector<std::string> kv = {"f16", "int8", "int4", "int2"};
  std::vector<std::string> policy = {""};
  int budget = 2048;         ///< Tokens that a policy keeps.
  int tokens = 30000;        ///< Of the conversation.
  int messages = 60;         ///< Of equal length.
  int edit = 20;             ///< The message behind this one is edited.
  double marks_share = 1.0;  ///< 0: without marks.
};

Arguments parse(std::span<char*> words) {
  using pith::bench::split;
  Arguments arguments;
  pith::bench::parse(words,
                     {
                         {"kv", [&](const std::string& value) { arguments.kv = split(value); }},
                         {"policy", [&](const std::string& value) { arguments.policy = split(value); }},
                         {"budget", [&](const std::string& value) { arguments.budget = std::stoi(value); }},
                         {"tokens", [&](const std::string& value) { arguments.tokens = std::stoi(value); }},
                         {"messages", [&](const std::string& value) { arguments.messages = std::stoi(value); }},
                         {"edit", [&](const std::string& value) { arguments.edit = std::stoi(value); }},
                         {"marks_share", [&](const std::string& value) { arguments.marks_share = std::stod(value); }},
                     });
  if (arguments.edit < 1 || arguments.edit >= arguments.messages || arguments.tokens < arguments.messages)
    throw std::invalid_argument("edit must lie between two messages, and each have a token");
  return arguments;
}

template <typename Work>
double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

class Conversation {
 public:
  Conversation(const pith::Model& model, const Arguments& arguments)
      : model_(model),
        arguments_(arguments),
        tokens_(pith::bench::some_tokens(model, arguments.tokens, 1)),
        other_(pith::bench::some_tokens(model, 32, 2)) {}

  void measure(const std::string& kv, const std::string& policy) const {
    pith::Session session(model_, options(kv, policy));
    const int each = arguments_.tokens / arguments_.messages;
    const int edited = each * arguments_.edit;
    const auto feed = [&](pith::Session& to, int end) {
      to.feed(std::span(tokens_).subspan(static_cast<std::size_t>(to.position()),
                                         static_cast<std::size_t>(end - to.position())));
    };
    std::vector<float> expected;
    const double prefill = seconds([&] {
      for (int message = 1; message <= arguments_.messages; ++message) {
        feed(session, each * message);
        session.mark();
        if (message != arguments_.edit) continue;
        pith::Session never_further = session.fork();
        never_further.feed(other_);
        expected.assign(never_further.logits().begin(), never_further.logits().end());
      }
    });
    const pith::KvStats stats = session.kv_stats();
    // The last message is written again.
    pith::Session last = session.fork();
    int again = 0;
    const double regenerate = seconds([&] {
      again = last.truncate(each * (arguments_.messages - 1));
      last.feed(other_);
    });
    int recomputed = 0;
    const double edit = seconds([&] {
      recomputed = session.truncate(edited);
      session.feed(other_);
    });
    const bool same = std::equal(expected.begin(), expected.end(), session.logits().begin(), session.logits().end());
    fmt::print("{:<8} {:<20} {:>8.1f} {:>9.3f} {:>6} {:>9.3f} {:>6} {:>10.1f} {:>10.1f} {:>6} {:>6}\n", kv,
               policy.empty() ? "-" : policy, prefill, edit, recomputed, regenerate, again,
               static_cast<double>(stats.bytes) / 1048576.0, static_cast<double>(stats.mark_bytes) / 1048576.0,
               stats.marks, same ? "same" : "OTHER");
    std::fflush(stdout);
  }

 private:
  pith::SessionOptions options(const std::string& kv, const std::string& policy) const {
    pith::SessionOptions options{.kv = {.key = kv}, .context = arguments_.tokens + 64};
    options.marks_share = arguments_.marks_share;
    if (!policy.empty()) {
      options.eviction.policy = policy;
      options.eviction.budget_tokens = static_cast<std::size_t>(arguments_.budget);
    }
    return options;
  }

  const pith::Model& model_;
  const Arguments& arguments_;
  std::vector<pith::Token> tokens_;
  std::vector<pith::Token> other_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) throw std::invalid_argument("usage: going_back MODEL [NAME=VALUE...]");
  const Arguments arguments = parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(2));
  const pith::Model model = pith::Model::load(argv[1]);
  fmt::print("{:<8} {:<20} {:>8} {:>9} {:>6} {:>9} {:>6} {:>10} {:>10} {:>6} {:>6}\n", "kv", "policy", "prefill s",
             "edit s", "again", "last s", "again", "cache MiB", "marks MiB", "marks", "logits");
  const Conversation conversation(model, arguments);
  for (const std::string& policy : arguments.policy) {
    for (const std::string& kv : arguments.kv) conversation.measure(kv, policy);
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
