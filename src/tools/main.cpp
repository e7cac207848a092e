#include <fmt/format.h>
#include <pith/error.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "tools/command.h"
#include "tools/output.h"

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int fail(std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  fmt::print(stderr, "pith: error: {}\n", message);
  return kFailed;
}

int run(int argc, char** argv) {
  CLI::App app("Runs language models from GGUF files with a compressed KV cache.", "pith");
  app.set_version_flag("--version", "pith " PITH_VERSION);
  app.require_subcommand(1);
  pith::tools::Action action;
  pith::tools::add_run(app, action);
  pith::tools::add_chat(app, action);
  pith::tools::add_info(app, action);
  pith::tools::add_tokenize(app, action);
  pith::tools::add_logits(app, action);
  pith::tools::add_eval(app, action);
  // After the subcommands, which would inherit it.
  app.footer(
      "Results go to standard output, everything else to standard error.\n"
      "Exit status: 0 if all went well, 1 if it failed, 2 if the command line is wrong.\n"
      "pith SUBCOMMAND --help says more.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  action();
  pith::tools::finish_output();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return fail("out of memory");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
