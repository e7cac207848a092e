#include "soak/choices.h"

#include <fmt/format.h>

#include "support/tiny_model.h"

namespace pith::soak {
namespace {

constexpr std::size_t kBeginnings = 3;
constexpr int kTinyTokens = 1100;
constexpr int kTinyFeed = 330;
constexpr int kRealTokens = 400;
constexpr int kRealFeed = 130;

Subject make_subject(Model model, int tokens_max, int feed_max) {
  Subject subject{std::move(model), tokens_max, feed_max, {}};
  Dice dice(7);
  for (std::size_t i = 0; i < kBeginnings; ++i)
    subject.beginnings.push_back(any_tokens(dice, subject.model, feed_max * 9 / 10));
  return subject;
}

std::vector<test::TinyModelSpec> tiny_specs() {
  test::TinyModelSpec llama{.tied_output = false};
  test::TinyModelSpec gemma{
      .architecture = "gemma3", .layers = 6, .kv_heads = 1, .tied_output = false, .sliding_window = 96, .seed = 2};
  test::TinyModelSpec qwen{.architecture = "qwen3",
                           .heads = 4,
                           .kv_heads = 4,
                           .weight_type = gguf::TensorType::kQ8_0,
                           .tied_output = false,
                           .seed = 3};
  return {llama, gemma, qwen};
}

void choose_codecs(Dice& dice, const Subject& subject, KvOptions& kv) {
  static const std::vector<std::string> codecs = builtin_codecs();
  static const std::vector<std::string> main_codecs = {"f16", "int8", "int4", "int3", "int2"};
  kv.key = dice.pick(dice.one_in(3) ? codecs : main_codecs);
  kv.value = dice.one_in(3) ? dice.pick(codecs) : kv.key;
  if (dice.one_in(8)) {
    const int layer = dice.between(0, subject.model.info().layers - 1);
    kv.layers[layer] = {dice.pick(codecs), dice.pick(codecs)};
  }
  if (dice.one_in(8)) {
    kv.read_share = 0.3;
    kv.read_pages_min = dice.between(1, 4);
  }
}

void choose_budget(Dice& dice, const Subject& subject, SessionOptions& options) {
  EvictionOptions& eviction = options.eviction;
  const std::size_t least = eviction.sinks + eviction.recent + eviction.interval;
  switch (dice.below(4)) {
    case 0:
      // Only compact() evicts, and may use the observed policies as well.
      if (dice.one_in(2)) eviction.observe = {"h2o", "expected-attention"};
      return;
    case 1: {
      // Room for the protected tokens, and for whole pages that hold some of them.
      const auto tokens = static_cast<int>(2 * least + 384);
      eviction.budget_bytes = 2 * predict_kv(subject.model, options.kv, tokens).bytes;
      return;
    }
    default:
      eviction.budget_tokens = least + dice.below(200);
  }
}

void choose_eviction(Dice& dice, const Subject& subject, SessionOptions& options) {
  static const std::vector<std::string> policies = builtin_policies();
  static const std::vector<std::string> allocators = builtin_allocators();
  static const std::vector<std::string> selectors = builtin_selectors();
  EvictionOptions& eviction = options.eviction;
  eviction.policy = dice.pick(policies);
  if (dice.one_in(3)) eviction.allocator = dice.pick(allocators);
  eviction.selector = dice.pick(selectors);
  eviction.sinks = dice.below(9);
  eviction.recent = 16 + dice.below(50);
  eviction.interval = 64 * (1 + dice.below(2));
  eviction.seed = dice.seed();
  if (make_policy(eviction.policy)->needs().reconstruction) return;
  choose_budget(dice, subject, options);
}

}  // namespace

std::vector<Subject> load_subjects(const std::filesystem::path& folder, const std::vector<std::string>& paths) {
  std::vector<Subject> subjects;
  for (const test::TinyModelSpec& spec : tiny_specs()) {
    const std::filesystem::path path = folder / (spec.architecture + ".gguf");
    test::tiny_model_writer(spec).write(path);
    // The same checks as a careful load.
    const auto manifest = std::make_shared<const Manifest>(make_manifest(path));
    subjects.push_back(make_subject(Model::load(path, {.manifest = manifest}), kTinyTokens, kTinyFeed));
  }
  for (const std::string& path : paths) subjects.push_back(make_subject(Model::load(path), kRealTokens, kRealFeed));
  return subjects;
}

SessionOptions any_options(Dice& dice, const Subject& subject) {
  SessionOptions options;
  options.context = dice.between(subject.tokens_max / 2, subject.tokens_max);
  choose_codecs(dice, subject, options.kv);
  if (dice.one_in(3)) {
    choose_eviction(dice, subject, options);
  } else if (dice.one_in(2)) {
    options.share_prefixes = true;
    // Few enough that several sessions choose the same.
    options.kv = KvOptions{};
    options.kv.key = dice.pick(std::vector<std::string>{"f16", "int8", "int4", "int2"});
    options.kv.value = options.kv.key;
  }
  redraw_free_options(dice, options);
  return options;
}

void redraw_free_options(Dice& dice, SessionOptions& options) {
  options.threads = dice.between(1, 2);
  options.batch_tokens = dice.one_in(3) ? dice.between(1, 70) : 384;
  // What a policy without a budget gathers depends on the feeds, which going back to a mark keeps and a replay does
  // not.
  const bool feeds_count =
      !options.eviction.policy.empty() && options.eviction.budget_tokens == 0 && options.eviction.budget_bytes == 0;
  options.mark_every = !feeds_count && dice.one_in(2) ? dice.between(50, 400) : 0;
  options.marks_share = dice.one_in(2) ? 0.2 : 2.0;
}

std::vector<Token> any_tokens(Dice& dice, const Model& model, int count) {
  std::vector<Token> tokens(static_cast<std::size_t>(count));
  for (Token& token : tokens) token = static_cast<Token>(dice.below(static_cast<std::size_t>(model.info().vocab)));
  return tokens;
}

SamplingOptions any_sampling(Dice& dice) {
  SamplingOptions sampling;
  if (dice.one_in(3)) return sampling;
  sampling.temperature = 5.0F;
  sampling.top_k = dice.between(0, 50);
  if (dice.one_in(2)) sampling.top_p = 0.9F;
  if (dice.one_in(2)) sampling.repetition_penalty = 1.1F;
  if (dice.one_in(3)) sampling.frequency_penalty = 0.1F;
  if (dice.one_in(4)) sampling.dry_multiplier = 0.5F;
  if (dice.one_in(4)) sampling.typical_p = 0.95F;
  if (dice.one_in(4)) sampling.xtc_probability = 0.3F;
  if (dice.one_in(4)) sampling.mirostat_tau = 5.0F;
  sampling.seed = dice.seed();
  return sampling;
}

std::string describe(const SessionOptions& options) {
  std::string text = fmt::format("kv {}/{}", options.kv.key, options.kv.value);
  for (const auto& [layer, codec] : options.kv.layers)
    text += fmt::format(", layer {} {}/{}", layer, codec.key, codec.value);
  if (options.kv.read_share < 1.0) text += fmt::format(", reads {}", options.kv.read_share);
  if (options.share_prefixes) text += ", shares";
  const EvictionOptions& e = options.eviction;
  if (!e.policy.empty()) {
    text += fmt::format(", policy {}/{}/{} of {} tokens {} bytes, sinks {} recent {} interval {} observe {}", e.policy,
                        e.allocator, e.selector, e.budget_tokens, e.budget_bytes, e.sinks, e.recent, e.interval,
                        e.observe.size());
  }
  return text +
         fmt::format(", context {}, threads {}, batch {}", options.context, options.threads, options.batch_tokens);
}

}  // namespace pith::soak
