#pragma once

#include <pith/pith.h>

#include <memory>
#include <string>
#include <vector>

#include "tools/command.h"
#include "tools/command_line.h"
#include "tools/eviction_args.h"
#include "tools/output.h"

namespace pith::tools {

/// Which model to load, and how.
struct ModelArgs {
  std::string path;
  Arithmetic arithmetic = Arithmetic::kFast;
  RopeOptions rope{};
  int threads = 0;
  /// Files, and what each is multiplied by; there may be fewer of the latter.
  std::vector<std::string> adapters{};
  std::vector<double> adapter_scales{};
  /// A file; empty: none.
  std::string manifest{};
  bool verbose = false;

  /// The model, --arithmetic, --rope, --rope-factor, --rope-base, --threads, --lora, --lora-scale, --manifest,
  /// --verbose.
  void add_to(Command& app, const std::string& model_names = "-m,--model");
  /// Null if none was given. Throws pith::Error.
  std::shared_ptr<const Manifest> read_manifest() const;
  /// Ends the command like a missing option if there are more scales than adapters.
  std::vector<AdapterOptions> adapter_options() const;
  /// Shows progress on a terminal. Throws pith::Error.
  Model load() const;
  /// The same, with this manifest or none.
  Model load(std::shared_ptr<const Manifest> expected) const;
};

/// make_manifest() with progress on a terminal.
Manifest hash_model(const std::string& path, int threads);

/// --threads N.
void add_threads(Command& app, int& threads);
/// --arithmetic fast|f32.
void add_arithmetic(Command& app, Arithmetic& arithmetic);

/// --kv TYPE: one KV cache. `fallback` is what the help calls the default.
Option* add_kv(Command& app, std::string& kv, const Codecs& codecs, const std::string& fallback);
/// --kv TYPE, given once for each KV cache. Without a `fallback` the help names none.
Option* add_kv_list(Command& app, std::vector<std::string>& kv, const Codecs& codecs, const std::string& fallback = {});

/// How to keep the KV cache, and what to forget of it.
struct SessionArgs {
  std::string kv;
  std::string kv_key;
  std::string kv_value;
  /// What K and V are where no option says otherwise.
  std::string kv_default = "int8";
  /// The rest.
  SessionOptions chosen{};
  EvictionArgs eviction{};

  Codecs codecs{};
  std::string prefixes{};  ///< A folder; empty: none.
  std::string prefix_bytes = "4GiB";

  /// --kv, --kv-k, --kv-v, --sparse, --page-checksums.
  void add_kv_to(Command& app, const Codecs& known);
  /// --ctx.
  void add_context_to(Command& app);
  void add_marks_to(Command& app);
  /// --prefixes FOLDER, --prefix-bytes SIZE.
  void add_prefixes_to(Command& app);
  SessionOptions options(int threads) const;
};

/// What an option says of the cache: "int4" for both sides, "int8/int4" for keys and values.
KvOptions parse_kv(const std::string& text, const Codecs& codecs);
/// Each cache as it is, then with each share of its pages read.
std::vector<KvOptions> with_sparse(const std::vector<KvOptions>& caches, const std::vector<double>& shares);
/// --sparse SHARE, more than once, beside --kv of the same kind.
void add_sparse(Command& app, std::vector<double>& shares);
/// Both codecs' names, as parse_kv() reads them.
std::string kv_name(const KvOptions& kv);
/// Every codec's name: the built-in ones, then the program's own.
std::vector<std::string> codec_names(const Codecs& codecs);
/// "f32, f16, ... or int2": the same for a help text.
std::string codec_list(const Codecs& codecs);

/// --format text|json.
void add_format(Command& app, Format& format);

}  // namespace pith::tools
