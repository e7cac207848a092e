#include "session/snapshot.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/fail.h"
#include "base/memory.h"
#include "kv/share/pages.h"
#include "kv/store/integrity.h"
#include "kv/store/snapshot.h"
#include "session/session_impl.h"
#include "session/snapshot_options.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"

namespace pith {
namespace {

using io::Digest;
using io::FieldReader;
using io::FieldWriter;
using io::to_hex;
using snapshot::RecordKind;

/// What must be as it was for a cache to mean what it did.
struct Fingerprints {
  Digest model{}, positions{}, codecs{}, policy{};
};

/// What the records before the tokens hold.
struct Beginning {
  std::uint32_t version = 0;
  Fingerprints fingerprints;
  ModelInfo model;  ///< Names only.
  SessionOptions options;
  SamplingOptions sampling;
  RngState rng;
  std::vector<StageState> stage_states;
  std::uint64_t tokens = 0;
  bool compacted = false;
};

void put_needs(FieldWriter& fields, const PolicyNeeds& needs) {
  fields.put(needs.queries);
  fields.put(static_cast<std::uint32_t>(needs.reduce));
  fields.put(needs.decay);
  for (const bool flag : {needs.group_max, needs.keys, needs.values, needs.query_statistics, needs.reconstruction})
    fields.put_flag(flag);
}

/// Of the options, and of what is gathered for them: a policy of the same name may want something else by now.
Digest policy_fingerprint(const EvictionOptions& options, const kv::Cache& cache) {
  FieldWriter fields;
  session::put(fields, options);
  for (const kv::Observer& observer : cache.observers().list()) put_needs(fields, observer.needs());
  fields.put_flag(cache.keeps_query_sums());
  return io::sha256(fields.bytes());
}

EvictionOptions eviction_of(const Session::Impl& impl) {
  return impl.eviction_ != nullptr ? impl.eviction_->options() : EvictionOptions{};
}

Fingerprints fingerprints_of(const Session::Impl& impl) {
  const model::Fingerprint& model = impl.model_.impl()->fingerprint();
  return {model.model, model.positions, kv::codec_fingerprint(impl.cache_),
          policy_fingerprint(eviction_of(impl), impl.cache_)};
}

void save_beginning(const Session::Impl& impl, snapshot::Writer& writer) {
  FieldWriter fingerprints;
  const Fingerprints own = fingerprints_of(impl);
  for (const Digest* digest : {&own.model, &own.positions, &own.codecs, &own.policy})
    fingerprints.put_array(std::span<const std::byte>(*digest));
  writer.record(RecordKind::kFingerprint, fingerprints.bytes());
  FieldWriter fields;
  const ModelInfo& info = impl.model_.info();
  for (const std::string* text : {&info.name, &info.architecture, &info.weight_type}) fields.put_text(*text);
  const SessionOptions options{.kv = impl.kv_,
                               .context = impl.context_,
                               .batch_tokens = static_cast<int>(impl.batch_),
                               .eviction = eviction_of(impl)};
  session::put(fields, options);
  session::put(fields, impl.state_.sampler.options());
  session::put(fields, impl.state_.sampler.rng_state());
  session::put(fields, impl.state_.sampler.stage_states());
  fields.put(static_cast<std::uint64_t>(impl.state_.tokens.size()));
  fields.put_flag(impl.state_.altered.any);
  writer.record(RecordKind::kSession, fields.bytes());
}

Beginning read_beginning(snapshot::Reader& reader) {
  Beginning begin;
  begin.version = reader.version();
  FieldReader fingerprints = reader.fields(RecordKind::kFingerprint);
  Fingerprints& own = begin.fingerprints;
  for (Digest* digest : {&own.model, &own.positions, &own.codecs, &own.policy}) {
    std::vector<std::byte> bytes(digest->size());
    fingerprints.fill("a fingerprint", bytes);
    std::copy(bytes.begin(), bytes.end(), digest->begin());
  }
  fingerprints.end();
  FieldReader fields = reader.fields(RecordKind::kSession);
  for (std::string* text : {&begin.model.name, &begin.model.architecture, &begin.model.weight_type})
    *text = fields.get_text("the model's name");
  begin.options = session::get_session(fields, reader.version());
  if (begin.options.context == 0) fields.refuse("context is 0, a session has room for at least 1 token");
  begin.sampling = session::get_sampling(fields, reader.version());
  begin.rng = session::get_rng(fields);
  if (reader.version() >= 2) begin.stage_states = session::get_stage_states(fields);
  begin.tokens = fields.get<std::uint64_t>("tokens", 0, std::numeric_limits<int>::max());
  begin.compacted = fields.get_flag("compacted");
  fields.end();
  return begin;
}

void check_model(const Beginning& begin, const Model& model, const std::string& path) {
  const model::Fingerprint& own = begin.version >= 3 ? model.impl()->fingerprint() : model.impl()->first_fingerprint();
  const ModelInfo& saved = begin.model;
  if (own.model != begin.fingerprints.model) {
    fail(ErrorKind::kInvalidArgument,
         "{}: belongs to another model, or to another arithmetic of it: \"{}\" ({}, {}) with fingerprint {:.16}, "
         "this one is \"{}\" ({}, {}) with {:.16}",
         path, saved.name, saved.architecture, saved.weight_type, to_hex(begin.fingerprints.model), model.info().name,
         model.info().architecture, model.info().weight_type, to_hex(own.model));
  }
  if (own.positions != begin.fingerprints.positions) {
    fail(ErrorKind::kInvalidArgument,
         "{}: belongs to a model that places positions otherwise (RoPE, windows): fingerprint {:.16}, this one has "
         "{:.16}",
         path, to_hex(begin.fingerprints.positions), to_hex(own.positions));
  }
}

void check_parts(const Fingerprints& saved, const Fingerprints& own, const std::string& path) {
  if (own.codecs != saved.codecs) {
    fail(ErrorKind::kInvalidArgument,
         "{}: its codecs are other ones than those of the same names here: fingerprint {:.16}, here {:.16}", path,
         to_hex(saved.codecs), to_hex(own.codecs));
  }
  if (own.policy != saved.policy) {
    fail(ErrorKind::kInvalidArgument,
         "{}: its eviction policy is another one than that of the same name here: fingerprint {:.16}, here {:.16}",
         path, to_hex(saved.policy), to_hex(own.policy));
  }
}

/// Codecs and parts of eviction of the caller's own are in a snapshot by name alone: says where to give them.
void check_known(const std::string& path, std::string_view what, const std::string& name,
                 const std::vector<std::string>& built_in, const std::vector<std::string>& own,
                 std::string_view option) {
  const auto has = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (name.empty() || has(built_in) || has(own)) return;
  fail(ErrorKind::kUnsupported, "{}: needs the {} \"{}\", which is not built in: give it in SnapshotOptions::{}", path,
       what, name, option);
}

void check_parts_known(const SessionOptions& options, const std::string& path) {
  const auto codec = [&](const std::string& name) {
    const CodecRegistry* own = options.kv.codecs.get();
    check_known(path, "KV codec", name, builtin_codecs(), own != nullptr ? own->names() : std::vector<std::string>(),
                "codecs");
  };
  for (const std::string* name : {&options.kv.key, &options.kv.value}) codec(*name);
  for (const auto& [layer, codecs] : options.kv.layers) {
    codec(codecs.key);
    codec(codecs.value);
  }
  const EvictionOptions& eviction = options.eviction;
  const EvictionRegistry none;
  const EvictionRegistry& own = eviction.registry != nullptr ? *eviction.registry : none;
  const auto policy = [&](const std::string& name) {
    check_known(path, "eviction policy", name, builtin_policies(), own.policies(), "eviction");
  };
  policy(eviction.policy);
  for (const std::string& name : eviction.observe) policy(name);
  check_known(path, "allocator", eviction.allocator, builtin_allocators(), own.allocators(), "eviction");
  check_known(path, "selector", eviction.selector, builtin_selectors(), own.selectors(), "eviction");
}

/// The session that the options describe, without a token.
std::unique_ptr<Session::Impl> make_empty(Model model, const Beginning& begin, const std::string& path) {
  try {
    auto impl = std::make_unique<Session::Impl>(std::move(model), begin.options);
    impl->state_.sampler = Sampler(begin.sampling, impl->model_.tokenizer().vocab_size());
    impl->state_.sampler.set_rng_state(begin.rng);
    impl->state_.sampler.set_stage_states(begin.stage_states);
    return impl;
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", path, error.what());
  }
}

void read_tokens(Session::Impl& impl, const Beginning& begin, snapshot::Reader& reader) {
  FieldReader fields = reader.fields(RecordKind::kTokens);
  impl.state_.tokens = fields.get_array<Token>("tokens");
  fields.end();
  const int vocab = impl.model_.info().vocab;
  const bool known =
      std::all_of(impl.state_.tokens.begin(), impl.state_.tokens.end(), [&](Token t) { return t >= 0 && t < vocab; });
  if (!known) fields.refuse("a token is outside the vocabulary");
  if (impl.state_.tokens.size() != begin.tokens) fields.refuse("there are more or fewer tokens than stated");
  const bool streams = impl.eviction_ != nullptr && impl.eviction_->automatic();
  if (!streams && impl.state_.tokens.size() > static_cast<std::size_t>(impl.context_))
    fields.refuse("there are more tokens than the context holds");
}

void read_logits(Session::Impl& impl, snapshot::Reader& reader) {
  FieldReader fields = reader.fields(RecordKind::kLogits);
  auto logits = std::make_shared<std::vector<float>>(fields.get_array<float>("logits"));
  fields.end();
  if (logits->empty()) return;
  if (logits->size() != static_cast<std::size_t>(impl.model_.info().vocab))
    fields.refuse("there are not as many logits as the vocabulary has tokens");
  impl.state_.logits = std::move(logits);
}

std::unique_ptr<Session::Impl> read_session(Model model, const std::filesystem::path& path,
                                            const SnapshotOptions& options) {
  snapshot::Reader reader(path, options.key);
  reader.verify();
  Beginning begin = read_beginning(reader);
  check_model(begin, model, reader.path());
  begin.options.kv.codecs = options.codecs;
  begin.options.eviction.registry = options.eviction;
  begin.options.threads = options.threads;
  begin.options.workers = options.workers;
  begin.options.kv.page_checksums = options.page_checksums;
  begin.options.kv_budget = options.kv_budget;
  check_parts_known(begin.options, reader.path());
  std::unique_ptr<Session::Impl> impl = make_empty(std::move(model), begin, reader.path());
  check_parts(begin.fingerprints, fingerprints_of(*impl), reader.path());
  read_tokens(*impl, begin, reader);
  read_logits(*impl, reader);
  kv::restore(impl->cache_, reader);
  reader.end();
  session::State& state = impl->state_;
  const kv::Holes& holes = impl->cache_.holes();
  if (!holes.empty() && !begin.compacted) {
    fail(ErrorKind::kFormat, "{}: tokens were taken out of its cache, but not of the session", reader.path());
  }
  if (begin.compacted && holes.empty()) state.altered.compact(state.tokens.size());
  if (!holes.empty()) state.altered.take_out(holes.missing(), state.tokens.size());
  if (impl->cache_.tokens() != state.position()) {
    fail(ErrorKind::kFormat, "{}: its cache has {} tokens, the session {}", reader.path(), impl->cache_.tokens(),
         state.position());
  }
  return impl;
}

}  // namespace

void session::save(const Session& session, const std::filesystem::path& path, const SnapshotOptions& options,
                   const io::FileOps& ops) {
  const Session::Impl& impl = Access::impl(session);
  const Use use(impl.budget_);
  if (!impl.whole()) {
    fail(ErrorKind::kInvalidArgument,
         "{}: a failure left the session's cache incomplete: feed, truncate or reset it before it is saved",
         path.string());
  }
  // What pages are chosen by is not in the format.
  if (impl.cache_.options().sparse.on()) {
    fail(ErrorKind::kUnsupported, "{}: a session that reads sparsely (read_share {}) cannot be saved", path.string(),
         impl.kv_.read_share);
  }
  if (!impl.cache_.borrowed().empty()) {
    fail(ErrorKind::kUnsupported, "{}: a session that documents were appended to cannot be saved", path.string());
  }
  // Nobody could make them again.
  if (const SamplerStages& own = impl.state_.sampler.options().stages; !own.empty()) {
    fail(ErrorKind::kUnsupported, "{}: a session whose sampler has stages of its own (\"{}\") cannot be saved",
         path.string(), own.front()->name());
  }
  impl.check_pages();
  // One rank writes for all, and learns from the others what it does not hold.
  const Ranks* const ranks = impl.cache_.options().ranks.get();
  if (ranks != nullptr && ranks->rank() != 0) {
    kv::for_whole_layers(impl.cache_, [](const kv::Layer&) {});
    kv::agreed(impl.cache_, true);
    return;
  }
  snapshot::Writer writer(path, options.key, ops, kv::version_for(impl.cache_));
  save_beginning(impl, writer);
  FieldWriter tokens;
  tokens.put_array(impl.state_.tokens);
  writer.record(RecordKind::kTokens, tokens.bytes());
  FieldWriter logits;
  logits.put_array(impl.state_.logits == nullptr ? std::vector<float>{} : *impl.state_.logits);
  writer.record(RecordKind::kLogits, logits.bytes());
  kv::save(impl.cache_, writer);
  writer.finish();
  kv::agreed(impl.cache_, true);
}

void Session::save(const std::filesystem::path& path, const SnapshotOptions& options) const {
  with_memory_for("save a session", [&] { session::save(*this, path, options, io::FileOps()); });
}

Session Session::restore(Model model, const std::filesystem::path& path, const SnapshotOptions& options) {
  return Session(with_memory_for("restore a session", [&] { return read_session(std::move(model), path, options); }));
}

}  // namespace pith

namespace pith::inline v0_1 {

SnapshotInfo snapshot_info(const std::filesystem::path& path, const SnapshotOptions& options) {
  SnapshotInfo info;
  const io::InputFile file(path);
  const snapshot::Header header = snapshot::read_header(file);
  info.version = static_cast<int>(header.version);
  info.encrypted = header.encrypted;
  info.file_bytes = file.size();
  if (header.encrypted && options.key.empty()) return info;
  snapshot::Reader reader(path, options.key);
  const Beginning begin = read_beginning(reader);
  info.model_name = begin.model.name;
  info.architecture = begin.model.architecture;
  info.weight_type = begin.model.weight_type;
  info.model_fingerprint = to_hex(begin.fingerprints.model);
  info.position_fingerprint = to_hex(begin.fingerprints.positions);
  info.codec_fingerprint = to_hex(begin.fingerprints.codecs);
  info.policy_fingerprint = to_hex(begin.fingerprints.policy);
  info.options = begin.options;
  info.sampling = begin.sampling;
  info.tokens = static_cast<int>(begin.tokens);
  info.compacted = begin.compacted;
  return info;
}

void verify_snapshot(const std::filesystem::path& path, const SnapshotOptions& options) {
  snapshot::Reader(path, options.key).verify();
}

}  // namespace pith::inline v0_1
