#include "support/mutations.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <pith/pith.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <new>
#include <string>

#include "support/tiny_model.h"

// Thousands of damaged models, each changed in one field. Each is either refused by an Error that names the file, or
// runs. None ends the process, or takes two seconds of processor time or 256 MB.
namespace pith::test {
namespace {

constexpr double kMillisecondsMax = 2000.0 * (PITH_SANITIZED != 0 ? 20 : 1);
constexpr std::size_t kMegabytesMax = 256;
/// Sanitizers are slow: they try only one in so many.
constexpr std::size_t kStep = PITH_SANITIZED != 0 ? 48 : 1;

/// Results for the mutations of one model. In shared memory, since the child that writes them may not survive.
struct Tally {
  int tried = 0, refused = 0, usable = 0, wrong = 0;
  double milliseconds = 0;
  double megabytes = 0;
  char current[256] = "";
  char slowest[256] = "";
  char largest[256] = "";
  char complaints[8192] = "";

  void complain(const char* why) {
    ++wrong;
    const std::size_t used = std::strlen(complaints);
    std::snprintf(complaints + used, sizeof complaints - used, "%s: %s\n", current, why);
  }
};

template <std::size_t size>
void copy(char (&to)[size], const char* from) {
  std::snprintf(to, size, "%s", from);
}

double processor_milliseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/// Returns a line of /proc/self/status in megabytes; 0 if it is absent.
double status_megabytes(const char* name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kilobytes = 0;
  while (status >> word) {
    if (word == name) status >> kilobytes;
  }
  return kilobytes / 1024;
}

/// Resets the peak. Memory that the allocator only keeps for later is given back first.
void reset_peak() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
  std::ofstream("/proc/self/clear_refs") << "5";
}

/// Limits the address space to what a load may take; sanitizers reserve terabytes themselves.
void limit_memory() {
  if (PITH_SANITIZED != 0) return;
  const rlim_t bytes = (static_cast<rlim_t>(status_megabytes("VmSize:")) + kMegabytesMax) << 20U;
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_AS, &limit);
}

void run(const Model& model) {
  Session session(model, {.kv = {.key = "int4"}, .threads = 1, .batch_tokens = 64});
  session.feed("hello the <|im_start|>\xC3\x28 hello");
  // More than a page, and more than small windows.
  session.feed(std::vector<Token>(static_cast<std::size_t>(std::min(70, model.info().context_trained)), 0));
  for (int i = 0; i < 2; ++i) session.step();
}

void try_file(const std::filesystem::path& path, bool must_fail, Tally& tally) {
  try {
    const Model model = Model::load(path, {.threads = 1});
    if (must_fail) tally.complain("was loaded");
    try {
      run(model);
    } catch (const Error& error) {
      const bool fair = error.kind() == ErrorKind::kNumeric || error.kind() == ErrorKind::kContextFull ||
                        error.kind() == ErrorKind::kInvalidArgument;
      if (!fair) tally.complain(error.what());
    }
    ++tally.usable;
  } catch (const Error& error) {
    ++tally.refused;
    const std::string what = error.what();
    const bool names_it = what.rfind(path.parent_path().string(), 0) == 0;
    const bool one_line = what.find('\n') == std::string::npos && what.size() < 2000;
    const bool fair = error.kind() == ErrorKind::kFormat || error.kind() == ErrorKind::kUnsupported ||
                      (error.kind() == ErrorKind::kIo && what.find("-of-") != std::string::npos) ||
                      (error.kind() == ErrorKind::kInvalidArgument && what.find("split model") != std::string::npos);
    if (!names_it || !one_line || !fair) tally.complain(what.c_str());
  } catch (const std::exception& error) {
    tally.complain(error.what());
  }
}

void try_all(const GgufWriter& sound, const Mutations& mutations, Tally& tally) {
  const TempDir folder;
  const std::filesystem::path path = folder / "m-00001-of-00002.gguf";
  limit_memory();
  for (std::size_t i = 0; i < mutations.size(); i += kStep) {
    const Mutation& mutation = mutations[i];
    copy(tally.current, mutation.name.c_str());
    {
      GgufWriter writer = sound;
      if (mutation.change) mutation.change(writer);
      Bytes bytes = writer.bytes();
      if (mutation.damage) mutation.damage(bytes);
      write_file(path, bytes);
    }
    reset_peak();
    const double before = status_megabytes("VmRSS:");
    const double start = processor_milliseconds();
    try_file(path, mutation.must_fail, tally);
    const double milliseconds = processor_milliseconds() - start;
    const double megabytes = status_megabytes("VmHWM:") - before;
    if (milliseconds > tally.milliseconds) copy(tally.slowest, tally.current);
    if (megabytes > tally.megabytes) copy(tally.largest, tally.current);
    tally.milliseconds = std::max(tally.milliseconds, milliseconds);
    tally.megabytes = std::max(tally.megabytes, megabytes);
    ++tally.tried;
  }
}

struct Shared {
  Shared()
      : tally(new (::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Tally) {}
  ~Shared() { ::munmap(tally, sizeof(Tally)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  Tally* tally;
};

/// Runs in a child process, so that a mutation that ends the process is counted too.
void expect_all_handled(const TinyModelSpec& spec, const GgufWriter& sound, const Mutations& mutations) {
  const Shared shared;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try_all(sound, mutations, *shared.tally);
    std::_Exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const Tally& tally = *shared.tally;
  EXPECT_EQ(status, 0) << "ended by: " << tally.current;
  EXPECT_EQ(tally.wrong, 0) << tally.complaints;
  EXPECT_LT(tally.milliseconds, kMillisecondsMax) << tally.slowest;
  EXPECT_LT(tally.megabytes, static_cast<double>(kMegabytesMax) * (PITH_SANITIZED != 0 ? 8 : 1)) << tally.largest;
  EXPECT_GT(tally.refused, tally.tried / 3);
  EXPECT_GT(tally.usable, 0);
  std::printf("%s, %s: %d mutations, %d refused, %d usable; at most %.1f ms (%s) and %.1f MB (%s)\n",
              spec.architecture.c_str(), spec.sentence_piece ? "SentencePiece" : "BPE", tally.tried, tally.refused,
              tally.usable, tally.milliseconds, tally.slowest, tally.megabytes, tally.largest);
  std::fflush(stdout);
}

/// The smallest model, with all keys that the architecture has.
TinyModelSpec small_spec(const std::string& architecture, bool sentence_piece) {
  TinyModelSpec spec{.architecture = architecture, .embedding = 32, .layers = 1, .heads = 2, .kv_heads = 1};
  spec.feed_forward = 32;
  spec.sentence_piece = sentence_piece;
  if (architecture == "llama") {
    spec.weight_type = gguf::TensorType::kQ4_1;
    spec.rope = TinyRope::kLlama3;
    spec.tied_output = false;
  } else if (architecture == "qwen2") {
    spec.weight_type = gguf::TensorType::kQ8_0;
    spec.rope = TinyRope::kYarn;
  } else if (architecture == "qwen3") {
    spec.weight_type = gguf::TensorType::kBF16;
    spec.rope = TinyRope::kLinear;
  } else {
    spec.layers = 2;
    spec.sliding_window = 32;
  }
  if (architecture == "gpt-oss") spec.experts = 3;
  if (architecture == "qwen35") spec.sliding_window = 0;
  if (architecture == "gemma4") {
    spec.head_size = 32;
    spec.sharing_layers = 1;
    spec.layer_embedding = 16;
    spec.experts = 2;
  }
  if (architecture == "deepseek2") {
    spec.sliding_window = 0;
    spec.head_size = 32;
    spec.latent = 32;
    spec.query_latent = 32;
    spec.shared_expert = 32;
    spec.dense_layers = 1;
    spec.experts = 4;
    spec.expert_groups = 2;
    spec.rope = TinyRope::kYarn;
  }
  spec.state_heads = 2;
  spec.state_key_heads = 1;
  spec.state_keys = 16;
  return spec;
}

GgufWriter small_model(const TinyModelSpec& spec) {
  GgufWriter writer = tiny_model_writer(spec);
  writer.add(spec.architecture + ".vocab_size", static_cast<std::uint32_t>(writer.tensors[0].dims[1]));
  if (spec.architecture == "qwen2") {
    writer.add("qwen2.rope.scaling.yarn_beta_fast", 32.0F).add("qwen2.rope.scaling.yarn_beta_slow", 1.0F);
    writer.add("qwen2.rope.scaling.attn_factor", 1.0F);
  }
  // The experts' own size makes it optional.
  if (spec.architecture == "gpt-oss") writer.remove("gpt-oss.feed_forward_length");
  if (spec.architecture == "gemma3") {
    writer.add("gemma3.final_logit_softcapping", 30.0F).add("gemma3.rope.freq_base_swa", 10000.0F);
    writer.add_array("gemma3.attention.sliding_window_pattern", std::vector<std::int32_t>{1, 0});
  }
  if (spec.architecture == "gemma4") {
    // What is optional, or may be said in two ways.
    std::erase_if(writer.tensors, [](const GgufWriter::Tensor& tensor) {
      return tensor.name.ends_with("layer_output_scale.weight") || tensor.name.ends_with("ffn_down_exps.scale");
    });
    writer.remove("gemma4.attention.head_count_kv").add("gemma4.attention.head_count_kv", 2U);
  }
  if (spec.architecture == "deepseek2") {
    // What is not read, or as good as absent where it is 0.
    for (const char* key : {"leading_dense_block_count", "expert_weights_scale", "rope.scaling.yarn_log_multiplier"})
      writer.remove(std::string("deepseek2.") + key);
    std::erase_if(writer.tensors,
                  [](const GgufWriter::Tensor& tensor) { return tensor.name.ends_with("probs_b.bias"); });
  }
  if (spec.architecture == "qwen35") {
    writer.add_array("qwen35.attention.recurrent_layers", std::vector<std::int32_t>{1, 0});
    writer.add("qwen35.nextn_predict_layers", 0U);
    // Of a key that is not read, no value is wrong.
    writer.remove("qwen35.rope.dimension_sections");
  }
  return writer;
}

struct Mutated : testing::TestWithParam<std::tuple<const char*, bool>> {};

TEST_P(Mutated, IsRefusedOrRuns) {
  const TinyModelSpec spec = small_spec(std::get<0>(GetParam()), std::get<1>(GetParam()));
  const GgufWriter sound = small_model(spec);
  expect_all_handled(spec, sound, all_mutations(sound));
}

INSTANTIATE_TEST_SUITE_P(, Mutated,
                         testing::Combine(testing::Values("llama", "qwen2", "qwen3", "gemma3", "gpt-oss"),
                                          testing::Bool()),
                         [](const auto& instance) {
                           std::string name = std::get<0>(instance.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name + (std::get<1>(instance.param) ? "_sentence_piece" : "_bpe");
                         });

INSTANTIATE_TEST_SUITE_P(LayersUnlikeEachOther, Mutated,
                         testing::Combine(testing::Values("qwen35", "lfm2", "gemma4", "deepseek2"),
                                          testing::Values(false)),
                         [](const auto& instance) { return std::string(std::get<0>(instance.param)); });

TEST(Mutations, AreThousands) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "a count, which is the same in builds that are fast";
  std::size_t count = 0;
  for (const char* architecture : {"llama", "qwen2", "qwen3", "gemma3", "gpt-oss"}) {
    for (const bool sentence_piece : {false, true}) {
      count += all_mutations(small_model(small_spec(architecture, sentence_piece))).size();
    }
  }
  EXPECT_GE(count, 5000U);
}

}  // namespace
}  // namespace pith::test
