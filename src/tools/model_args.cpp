#include "tools/model_args.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "eval/cache_name.h"
#include "tools/progress.h"

namespace pith::tools {
namespace {

constexpr int kThreadsMax = 1024;

void print_log_line(LogLevel, std::string_view line) { fmt::print(stderr, "{}\n", line); }

}  // namespace

void ModelArgs::add_to(Command& app, const std::string& model_names) {
  app.add_option(model_names, path, "The model's GGUF file (of a sharded model, its first)")
      ->required()
      ->type_name("FILE");
  add_arithmetic(app, arithmetic);
  add_threads(app, threads);
  app.add_option("--manifest", manifest, "Load the model only if it is what this manifest says (pith manifest)")
      ->type_name("FILE");
  app.add_flag("-v,--verbose", verbose, "Write the library's log to standard error");
}

std::shared_ptr<const Manifest> ModelArgs::read_manifest() const {
  return manifest.empty() ? nullptr : std::make_shared<const Manifest>(pith::read_manifest(manifest));
}

Model ModelArgs::load() const { return load(read_manifest()); }

Model ModelArgs::load(std::shared_ptr<const Manifest> expected) const {
  ModelOptions options;
  options.manifest = std::move(expected);
  options.arithmetic = arithmetic;
  options.threads = threads;
  if (verbose) options.log = print_log_line;
  ProgressLine line;
  options.progress = [&](double share) { line.show(fmt::format("loading {} {:.0f} %", path, 100 * share)); };
  return Model::load(path, options);
}

void add_threads(Command& app, int& threads) {
  app.add_option("--threads", threads, "Threads; 0 (the default): one for each processor")
      ->range(0, kThreadsMax)
      ->type_name("N");
}

void add_arithmetic(Command& app, Arithmetic& arithmetic) {
  static const std::vector<std::pair<std::string, Arithmetic>> kinds = {{"fast", Arithmetic::kFast},
                                                                        {"f32", Arithmetic::kF32}};
  app.add_choice("--arithmetic", arithmetic, kinds,
                 "fast (the default): activations are quantized to 8 bits where weights are; f32: the reference");
}

Option* add_kv(Command& app, std::string& kv, const Codecs& codecs, const std::string& fallback) {
  return app
      .add_option("--kv", kv,
                  fmt::format("How the KV cache is kept: {}; TYPE/TYPE for keys and values apart; default {}",
                              codec_list(codecs), fallback))
      ->type_name("TYPE")
      ->suggests(codec_names(codecs));
}

Option* add_kv_list(Command& app, std::vector<std::string>& kv, const Codecs& codecs, const std::string& fallback) {
  return app
      .add_option("--kv", kv,
                  fmt::format("How the KV cache is kept: {}; TYPE/TYPE for keys and values apart; may be given more "
                              "than once{}{}",
                              codec_list(codecs), fallback.empty() ? "" : "; default ", fallback))
      ->one_value()
      ->type_name("TYPE")
      ->suggests(codec_names(codecs));
}

void SessionArgs::add_kv_to(Command& app, const Codecs& known) {
  codecs = known;
  const std::vector<std::string> names = codec_names(codecs);
  auto* both = add_kv(app, kv, codecs, kv_default);
  app.add_option("--kv-k", kv_key, "How keys are kept")->type_name("TYPE")->suggests(names)->excludes(both);
  app.add_option("--kv-v", kv_value, "How values are kept")->type_name("TYPE")->suggests(names)->excludes(both);
  app.add_option("--sparse", sparse, "The share of the cache's pages that a decoded token reads; 1 (the default): all")
      ->type_name("SHARE");
  app.add_flag("--page-checksums", page_checksums,
               "Keep a checksum of every page of the cache, and compare it when pages are taken into use again");
}

void SessionArgs::add_context_to(Command& app) {
  app.add_option("--ctx", context,
                 "Tokens that the session can hold; 0 (the default): as many as the model was trained for")
      ->not_negative()
      ->type_name("N");
}

SessionOptions SessionArgs::options(int threads) const {
  SessionOptions options;
  options.kv = parse_kv(kv.empty() ? kv_default : kv, codecs);
  if (!kv_key.empty()) options.kv.key = kv_key;
  if (!kv_value.empty()) options.kv.value = kv_value;
  options.kv.read_share = sparse;
  options.kv.page_checksums = page_checksums;
  options.context = context;
  options.eviction = eviction.options();
  options.threads = threads;
  return options;
}

KvOptions parse_kv(const std::string& text, const Codecs& codecs) {
  const std::size_t slash = text.find('/');
  KvOptions kv;
  kv.key = text.substr(0, slash);
  kv.value = slash == std::string::npos ? kv.key : text.substr(slash + 1);
  kv.codecs = codecs;
  return kv;
}

std::vector<KvOptions> with_sparse(const std::vector<KvOptions>& caches, const std::vector<double>& shares) {
  std::vector<KvOptions> all;
  for (const KvOptions& kv : caches) {
    all.push_back(kv);
    for (const double share : shares) {
      all.push_back(kv);
      all.back().read_share = share;
    }
  }
  return all;
}

void add_sparse(Command& app, std::vector<double>& shares) {
  app.add_option(
         "--sparse", shares,
         "Each KV cache also with this share of its pages read for a decoded token; may be given more than once")
      ->one_value()
      ->type_name("SHARE");
}

std::string kv_name(const KvOptions& kv) { return eval::cache_name(kv); }

std::vector<std::string> codec_names(const Codecs& codecs) {
  std::vector<std::string> names = builtin_codecs();
  if (codecs != nullptr) {
    for (const std::string& name : codecs->names()) names.push_back(name);
  }
  return names;
}

std::string codec_list(const Codecs& codecs) {
  std::vector<std::string> names = codec_names(codecs);
  const std::string last = names.back();
  names.pop_back();
  return fmt::format("{} or {}", fmt::join(names, ", "), last);
}

void add_format(Command& app, Format& format) {
  static const std::vector<std::pair<std::string, Format>> formats = {{"text", Format::kText}, {"json", Format::kJson}};
  app.add_choice("--format", format, formats, "How results are written; default text");
}

}  // namespace pith::tools
