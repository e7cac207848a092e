#include <fmt/format.h>
#include <pith/pith.h>

#include <cstdio>
#include <memory>

#include "tools/command.h"
#include "tools/model_args.h"
#include "tools/output.h"
#include "tools/progress.h"

namespace pith::tools {
namespace {

struct ManifestArgs {
  std::string model;
  std::string out;
  int threads = 0;
};

void manifest(const ManifestArgs& args) {
  const Manifest manifest = hash_model(args.model, args.threads);
  if (args.out.empty()) return write_output(to_json(manifest));
  write_manifest(manifest, args.out);
  fmt::print(stderr, "{}: {} files, {} keys, {} tensors\n", args.out, manifest.files.size(), manifest.metadata.size(),
             manifest.tensors.size());
}

}  // namespace

Manifest hash_model(const std::string& path, int threads) {
  ProgressLine line;
  ManifestOptions options;
  options.threads = threads;
  options.progress = [&](double share) { line.show(fmt::format("hashing {} {:.0f} %", path, 100 * share)); };
  return make_manifest(path, options);
}

void add_manifest(Command& app, Action& action) {
  auto* command = app.add_subcommand("manifest", "Write the digests of everything that a model's files hold");
  const auto args = std::make_shared<ManifestArgs>();
  command->add_option("model,-m,--model", args->model, "The model's GGUF file (of a sharded model, its first)")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--out", args->out, "Write to this file; standard output by default")->type_name("FILE");
  add_threads(*command, args->threads);
  command->callback([args, &action] { action = [args] { manifest(*args); }; });
}

}  // namespace pith::tools
