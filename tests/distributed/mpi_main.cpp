#include <pith/cluster.h>
#include <pith/pith.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// One of the processes of tests/distributed/run.sh. Each prints what it comes to under its rank, or the error that it
// ends with.
//
// usage: mpi_test MODEL CODEC TOKENS [policy NAME | other-model MODEL | stop RANK | kill RANK]

namespace {

using namespace pith;

/// FNV-1a of the logits' bits.
std::uint64_t digest_of(std::span<const float> logits, std::uint64_t digest) {
  for (const std::byte byte : std::as_bytes(logits)) {
    digest ^= std::to_integer<std::uint64_t>(byte);
    digest *= 1099511628211U;
  }
  return digest;
}

std::vector<Token> tokens_of(const Model& model, std::size_t count) {
  std::vector<Token> tokens;
  std::uint32_t random = 1;
  for (std::size_t i = 0; i < count; ++i) {
    random = random * 1664525U + 1013904223U;
    tokens.push_back(static_cast<Token>(random >> 8U) % model.info().vocab);
  }
  return tokens;
}

struct Arguments {
  std::filesystem::path model;
  std::string codec;
  std::size_t tokens;
  std::string what{}, value{};

  bool meant(std::string_view name, int rank) const { return what == name && std::stoi(value) == rank; }
};

void run(const Cluster& cluster, const Arguments& arguments) {
  const bool other = arguments.what == "other-model" && cluster.rank() == 1;
  const Model model = cluster.load(other ? std::filesystem::path(arguments.value) : arguments.model, {.threads = 1});
  SessionOptions options{.kv = {arguments.codec}};
  if (arguments.what == "policy") {
    options.eviction.policy = arguments.value;
    options.eviction.budget_tokens = 1024;
    options.eviction.recent = 64;
    options.eviction.interval = 64;
  }
  Session session(model, options);
  session.feed(tokens_of(model, arguments.tokens));
  std::uint64_t digest = digest_of(session.logits(), 14695981039346656037U);
  for (int i = 0; i < 8; ++i) {
    if (i == 4 && arguments.meant("stop", cluster.rank())) std::raise(SIGSTOP);
    if (i == 4 && arguments.meant("kill", cluster.rank())) std::raise(SIGKILL);
    session.feed(std::vector<Token>{static_cast<Token>(i)});
    digest = digest_of(session.logits(), digest);
  }
  std::printf("rank %d: %016llx, %zu bytes sealed\n", cluster.rank(), static_cast<unsigned long long>(digest),
              session.kv_stats().sealed_bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 6) return 2;
  Arguments arguments{argv[1], argv[2], static_cast<std::size_t>(std::atoi(argv[3]))};
  if (argc == 6) {
    arguments.what = argv[4];
    arguments.value = argv[5];
  }
  const Cluster cluster = Cluster::world({.deadline = std::chrono::seconds(arguments.what == "stop" ? 3 : 60)});
  try {
    run(cluster, arguments);
  } catch (const Error& error) {
    std::printf("rank %d: error: %s: %s\n", cluster.rank(), to_string(error.kind()), error.what());
    std::fflush(stdout);
    // So that all have time to say what they see.
    ::usleep(500000);
    cluster.end_all(1);
    return 1;
  }
  return 0;
}
