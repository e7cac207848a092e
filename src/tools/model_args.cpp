#include "tools/model_args.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "eval/cache_name.h"
#include "options/model_options.h"
#include "options/session_options.h"
#include "tools/byte_size.h"
#include "tools/cluster.h"
#include "tools/option_flags.h"
#include "tools/progress.h"

namespace pith::tools {
namespace {

void print_log_line(LogLevel, std::string_view line) { fmt::print(stderr, "{}\n", line); }

std::string kv_help(const Codecs& codecs) {
  return fmt::format("How the KV cache is kept: {}; TYPE/TYPE for keys and values apart", codec_list(codecs));
}

}  // namespace

void ModelArgs::add_to(Command& app, const std::string& model_names) {
  app.add_option(model_names, path, "The model's GGUF file (of a sharded model, its first)")
      ->required()
      ->type_name("FILE");
  add_arithmetic(app, arithmetic);
  add_flag<&RopeOptions::stretch>(app, rope.stretch);
  add_flag<&RopeOptions::factor>(app, rope.factor);
  add_flag<&RopeOptions::base>(app, rope.base);
  add_threads(app, threads);
  app.add_option("--lora", adapters, "A LoRA adapter's GGUF file; may be given more than once")
      ->one_value()
      ->type_name("FILE");
  app.add_option("--lora-scale", adapter_scales, "What an adapter is multiplied by, in their order; default 1")
      ->one_value()
      ->type_name("X");
  add_flag<&ModelOptions::manifest>(app, manifest);
  add_flag<&ModelOptions::log>(app, verbose);
}

std::shared_ptr<const Manifest> ModelArgs::read_manifest() const {
  return manifest.empty() ? nullptr : std::make_shared<const Manifest>(pith::read_manifest(manifest));
}

std::vector<AdapterOptions> ModelArgs::adapter_options() const {
  if (adapter_scales.size() > adapters.size()) fail_missing("--lora, for each --lora-scale");
  std::vector<AdapterOptions> options;
  for (std::size_t i = 0; i < adapters.size(); ++i)
    options.push_back({adapters[i], i < adapter_scales.size() ? adapter_scales[i] : 1.0});
  return options;
}

Model ModelArgs::load() const { return load(read_manifest()); }

Model ModelArgs::load(std::shared_ptr<const Manifest> expected) const {
  ModelOptions options;
  options.manifest = std::move(expected);
  options.arithmetic = arithmetic;
  options.rope = rope;
  options.adapters = adapter_options();
  options.threads = threads;
  options.ranks = ranks();
  if (verbose) options.log = print_log_line;
  ProgressLine line;
  options.progress = [&](double share) { line.show(fmt::format("loading {} {:.0f} %", path, 100 * share)); };
  return Model::load(path, options);
}

void add_threads(Command& app, int& threads) { add_flag<&ModelOptions::threads>(app, threads); }

void add_arithmetic(Command& app, Arithmetic& arithmetic) { add_flag<&ModelOptions::arithmetic>(app, arithmetic); }

Option* add_kv(Command& app, std::string& kv, const Codecs& codecs, const std::string& fallback) {
  return app.add_option("--kv", kv, fmt::format("{}; default {}", kv_help(codecs), fallback))
      ->type_name("TYPE")
      ->suggests(codec_names(codecs));
}

Option* add_kv_list(Command& app, std::vector<std::string>& kv, const Codecs& codecs, const std::string& fallback) {
  return app
      .add_option("--kv", kv,
                  fmt::format("{}; may be given more than once{}{}", kv_help(codecs),
                              fallback.empty() ? "" : "; default ", fallback))
      ->one_value()
      ->type_name("TYPE")
      ->suggests(codec_names(codecs));
}

void SessionArgs::add_kv_to(Command& app, const Codecs& known) {
  codecs = known;
  const std::vector<std::string> names = codec_names(codecs);
  auto* both = add_kv(app, kv, codecs, kv_default);
  add_flag<&KvOptions::key>(app, kv_key)->suggests(names)->excludes(both);
  add_flag<&KvOptions::value>(app, kv_value)->suggests(names)->excludes(both);
  add_flag<&KvOptions::read_share>(app, chosen.kv.read_share);
  add_flag<&KvOptions::page_checksums>(app, chosen.kv.page_checksums);
}

void SessionArgs::add_marks_to(Command& app) { add_flag<&SessionOptions::marks_share>(app, chosen.marks_share); }

void SessionArgs::add_prefixes_to(Command& app) {
  app.add_option("--prefixes", prefixes,
                 "A folder of its own, where the cache of prompts is kept for the next time that one begins alike")
      ->type_name("FOLDER");
  app.add_option("--prefix-bytes", prefix_bytes, "What the folder may take; default 4GiB")
      ->type_name("SIZE")
      ->check([](const std::string& text) { return parse_bytes(text) ? "" : "a size such as 4GiB is expected"; });
}

void SessionArgs::add_context_to(Command& app) { add_flag<&SessionOptions::context>(app, chosen.context); }

SessionOptions SessionArgs::options(int threads) const {
  SessionOptions options = chosen;
  const KvOptions both = parse_kv(kv.empty() ? kv_default : kv, codecs);
  options.kv.key = kv_key.empty() ? both.key : kv_key;
  options.kv.value = kv_value.empty() ? both.value : kv_value;
  options.kv.codecs = codecs;
  options.eviction = eviction.options();
  options.threads = threads;
  if (!prefixes.empty()) {
    options.prefix_store = std::make_shared<PrefixStore>(
        PrefixStoreOptions{.folder = prefixes, .bytes_max = parse_bytes(prefix_bytes).value()});
  }
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
      ->type_name("SHARE")
      ->check([](const std::string& text) { return range_complaint(options::row_of<&KvOptions::read_share>(), text); });
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
