#include "session/snapshot_options.h"

#include <limits>

namespace pith::session {
namespace {

using io::FieldReader;
using io::FieldWriter;

void put(FieldWriter& fields, const PolicyParameters& parameters) {
  put_count(fields, parameters.size());
  for (const auto& [name, value] : parameters) {
    fields.put_text(name);
    fields.put(value);
  }
}

PolicyParameters get_parameters(FieldReader& fields) {
  PolicyParameters parameters;
  for (auto left = fields.get<std::uint64_t>("parameters"); left > 0; --left) {
    std::string name = fields.get_text("a parameter's name");
    parameters[std::move(name)] = fields.get<double>("a parameter");
  }
  return parameters;
}

/// What options gained with version 2 of the format.
void put_second_version(FieldWriter& fields, const SamplingOptions& sampling) {
  for (const float x : {sampling.typical_p, sampling.xtc_probability, sampling.xtc_threshold, sampling.dry_multiplier,
                        sampling.dry_base, sampling.mirostat_tau, sampling.mirostat_eta}) {
    fields.put(x);
  }
  for (const int x : {sampling.dry_allowed_length, sampling.dry_window, sampling.no_repeat_ngram}) fields.put(x);
  put_count(fields, sampling.dry_breakers.size());
  for (const std::vector<Token>& breaker : sampling.dry_breakers) fields.put_array(breaker);
}

void get_second_version(FieldReader& fields, SamplingOptions& sampling) {
  for (float* x : {&sampling.typical_p, &sampling.xtc_probability, &sampling.xtc_threshold, &sampling.dry_multiplier,
                   &sampling.dry_base, &sampling.mirostat_tau, &sampling.mirostat_eta}) {
    *x = fields.get<float>("a sampling option");
  }
  for (int* x : {&sampling.dry_allowed_length, &sampling.dry_window, &sampling.no_repeat_ngram})
    *x = fields.get<int>("a sampling option");
  for (auto left = fields.get<std::uint64_t>("breakers of DRY"); left > 0; --left)
    sampling.dry_breakers.push_back(fields.get_array<Token>("a breaker of DRY"));
}

}  // namespace

void put(FieldWriter& fields, const KvOptions& kv) {
  fields.put_text(kv.key);
  fields.put_text(kv.value);
  put_count(fields, kv.layers.size());
  for (const auto& [layer, codecs] : kv.layers) {
    fields.put(layer);
    fields.put_text(codecs.key);
    fields.put_text(codecs.value);
  }
}

KvOptions get_kv(FieldReader& fields) {
  KvOptions kv;
  kv.key = fields.get_text("key codec");
  kv.value = fields.get_text("value codec");
  for (auto left = fields.get<std::uint64_t>("layers with codecs of their own"); left > 0; --left) {
    KvOptions::Layer& layer = kv.layers[fields.get<int>("a layer")];
    layer.key = fields.get_text("key codec of a layer");
    layer.value = fields.get_text("value codec of a layer");
  }
  return kv;
}

void put(FieldWriter& fields, const EvictionOptions& eviction) {
  fields.put_text(eviction.policy);
  put(fields, eviction.parameters);
  fields.put_text(eviction.allocator);
  put(fields, eviction.allocator_parameters);
  fields.put_text(eviction.selector);
  put_count(fields, eviction.budget_tokens);
  fields.put(eviction.budget_bytes);
  put_count(fields, eviction.sinks);
  put_count(fields, eviction.recent);
  put_count(fields, eviction.interval);
  put_count(fields, eviction.observe.size());
  for (const std::string& name : eviction.observe) fields.put_text(name);
  fields.put(eviction.seed);
}

EvictionOptions get_eviction(FieldReader& fields) {
  EvictionOptions eviction;
  eviction.policy = fields.get_text("policy");
  eviction.parameters = get_parameters(fields);
  eviction.allocator = fields.get_text("allocator");
  eviction.allocator_parameters = get_parameters(fields);
  eviction.selector = fields.get_text("selector");
  eviction.budget_tokens = fields.get<std::uint64_t>("budget in tokens");
  eviction.budget_bytes = fields.get<std::uint64_t>("budget in bytes");
  // Sums of them must not wrap around.
  constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max();
  eviction.sinks = fields.get<std::uint64_t>("sinks", 0, kMost);
  eviction.recent = fields.get<std::uint64_t>("recent tokens", 0, kMost);
  eviction.interval = fields.get<std::uint64_t>("interval", 0, kMost);
  for (auto left = fields.get<std::uint64_t>("observed policies"); left > 0; --left)
    eviction.observe.push_back(fields.get_text("an observed policy"));
  eviction.seed = fields.get<std::uint64_t>("seed of the policy");
  return eviction;
}

void put(FieldWriter& fields, const SamplingOptions& sampling) {
  for (const float x : {sampling.temperature, sampling.top_p, sampling.min_p, sampling.repetition_penalty,
                        sampling.presence_penalty, sampling.frequency_penalty}) {
    fields.put(x);
  }
  fields.put(sampling.top_k);
  fields.put(sampling.penalty_window);
  fields.put(sampling.seed);
  put_count(fields, sampling.logit_bias.size());
  for (const auto& [token, bias] : sampling.logit_bias) {
    fields.put(token);
    fields.put(bias);
  }
  put_second_version(fields, sampling);
}

SamplingOptions get_sampling(FieldReader& fields, std::uint32_t version) {
  SamplingOptions sampling;
  for (float* x : {&sampling.temperature, &sampling.top_p, &sampling.min_p, &sampling.repetition_penalty,
                   &sampling.presence_penalty, &sampling.frequency_penalty}) {
    *x = fields.get<float>("a sampling option");
  }
  sampling.top_k = fields.get<int>("top_k");
  sampling.penalty_window = fields.get<int>("penalty_window");
  sampling.seed = fields.get<std::uint64_t>("seed");
  for (auto left = fields.get<std::uint64_t>("biases"); left > 0; --left) {
    const auto token = fields.get<Token>("a token with a bias");
    sampling.logit_bias[token] = fields.get<float>("a bias");
  }
  if (version >= 2) get_second_version(fields, sampling);
  return sampling;
}

void put(FieldWriter& fields, const RngState& state) {
  for (const std::uint64_t word : state.words) fields.put(word);
}

RngState get_rng(FieldReader& fields) {
  RngState state;
  for (std::uint64_t& word : state.words) word = fields.get<std::uint64_t>("state of the random generator");
  return state;
}

void put(FieldWriter& fields, const std::vector<StageState>& states) {
  put_count(fields, states.size());
  for (const StageState& state : states) {
    fields.put_text(state.name);
    fields.put_array(state.bytes);
  }
}

std::vector<StageState> get_stage_states(FieldReader& fields) {
  std::vector<StageState> states;
  for (auto left = fields.get<std::uint64_t>("states of the sampler's stages"); left > 0; --left) {
    StageState& state = states.emplace_back();
    state.name = fields.get_text("a stage's name");
    state.bytes = fields.get_array<std::byte>("a stage's state");
  }
  return states;
}

}  // namespace pith::session
