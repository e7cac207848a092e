#include <fmt/format.h>
#include <pith/command.h>
#include <pith/error.h>
#include <pith/version.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "eval/fail.h"
#include "tools/cluster.h"
#include "tools/command.h"
#include "tools/command_line.h"
#include "tools/output.h"

namespace pith::inline v0_1 {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

/// One line, whatever the message has in it: file names may be anything.
int fail(std::string_view message) {
  const std::string line = eval::visible(message);
  if (tools::is_first()) fmt::print(stderr, "pith: error: {}\n", line);
  tools::abort_cluster(line, kFailed);
  return kFailed;
}

/// What a report of a defect should name. Throws what build_info() throws.
std::string version_text() {
  const BuildInfo info = build_info();
  return fmt::format("pith {}\ncommit: {}\ncompiler: {}\ninstruction set: {}", info.version,
                     info.commit.empty() ? "unknown" : info.commit, info.compiler, info.instruction_set);
}

int run(int argc, char** argv, const tools::Known& known) {
  tools::CommandLine line("pith", "Runs language models from GGUF files with a compressed KV cache.", version_text);
  tools::Command& command = line.root();
  command.require_subcommand();
  tools::Action action;
  tools::add_run(command, action, known);
  tools::add_chat(command, action, known);
  tools::add_info(command, action);
  tools::add_plan(command, action, known.codecs);
  tools::add_manifest(command, action);
  tools::add_verify(command, action);
  tools::add_quantize(command, action);
  tools::add_tokenize(command, action);
  tools::add_logits(command, action, known.codecs);
  tools::add_snapshot(command, action, known.codecs);
  tools::add_bench(command, action, known.codecs);
  tools::add_eval(command, action, known);
  tools::add_man(command, action);
  tools::add_completion(command, action);
  // After the subcommands, which would inherit it.
  line.set_footer(
      "Results go to standard output, everything else to standard error.\n"
      "Exit status: 0 if all went well, 1 if it failed, 2 if the command line is wrong.\n"
      "pith SUBCOMMAND --help says more.");
  using enum tools::CommandLine::Outcome;
  if (const auto outcome = line.parse(argc, argv); outcome != kRead) return outcome == kHelped ? 0 : kWrongUsage;
  tools::join_cluster();
  action();
  tools::finish_output();
  return 0;
}

}  // namespace

int run_command(int argc, char** argv, std::shared_ptr<const CodecRegistry> codecs,
                std::shared_ptr<const EvictionRegistry> policies) {
  const tools::Known known{std::move(codecs), std::move(policies)};
  try {
    return run(argc, argv, known);
  } catch (const std::bad_alloc&) {
    return fail("out of memory");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace pith::inline v0_1
