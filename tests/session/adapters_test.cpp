#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/random_weights.h"
#include "support/refusal.h"
#include "support/relative_error.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith {
namespace {

using test::GgufWriter;
using test::TempDir;
using test::TinyModelSpec;

constexpr std::size_t kRank = 4;
constexpr float kAlpha = 8.0F;

/// An adapter for some tensors of a model, and what it makes of them.
class TinyAdapter {
 public:
  TinyAdapter(const GgufWriter& model, const std::string& architecture, const std::vector<std::string>& endings,
              std::uint64_t seed)
      : random_(seed) {
    file_.add("general.type", "adapter").add("general.architecture", architecture);
    file_.add("adapter.type", "lora").add("adapter.lora.alpha", kAlpha);
    for (const GgufWriter::Tensor& tensor : model.tensors) {
      const auto ends = [&](const std::string& ending) { return tensor.name.ends_with(ending); };
      if (std::any_of(endings.begin(), endings.end(), ends)) add(tensor);
    }
  }

  GgufWriter& file() { return file_; }

  /// Adds scale * alpha / rank * B A to the tensors of a model of float32.
  void merge(double scale, GgufWriter& model) const {
    for (GgufWriter::Tensor& tensor : model.tensors) {
      const auto found = deltas_.find(tensor.name);
      if (found == deltas_.end()) continue;
      for (std::size_t i = 0; i < found->second.size(); ++i) {
        float value = 0;
        std::memcpy(&value, &tensor.data[i * sizeof value], sizeof value);
        value += static_cast<float>(scale * static_cast<double>(kAlpha) / kRank * found->second[i]);
        std::memcpy(&tensor.data[i * sizeof value], &value, sizeof value);
      }
    }
  }

 private:
  void add(const GgufWriter::Tensor& tensor) {
    const std::size_t columns = tensor.dims[0];
    const std::size_t rows = tensor.dims[1];
    const std::size_t count = tensor.dims.size() < 3 ? 1 : tensor.dims[2];
    const float deviation = 0.3F / std::sqrt(static_cast<float>(columns));
    const std::vector<float> a = test::random_normal(random_, count * kRank * columns, deviation);
    const std::vector<float> b = test::random_normal(random_, count * rows * kRank, 0.5F);
    std::vector<double>& delta = deltas_[tensor.name];
    delta.resize(count * rows * columns);
    for (std::size_t row = 0; row < count * rows; ++row) {
      for (std::size_t c = 0; c < columns; ++c) {
        for (std::size_t i = 0; i < kRank; ++i) {
          delta[row * columns + c] +=
              static_cast<double>(b[row * kRank + i]) * static_cast<double>(a[(row / rows * kRank + i) * columns + c]);
        }
      }
    }
    std::vector<std::uint64_t> a_dims = {columns, kRank};
    std::vector<std::uint64_t> b_dims = {kRank, rows};
    if (tensor.dims.size() == 3) a_dims.push_back(count);
    if (tensor.dims.size() == 3) b_dims.push_back(count);
    if (tensor.name == "token_embd.weight") {
      // Its pair is written the other way around: rows of tokens first.
      std::vector<float> turned(a.size());
      for (std::size_t i = 0; i < kRank; ++i) {
        for (std::size_t c = 0; c < columns; ++c) turned[c * kRank + i] = a[i * columns + c];
      }
      file_.add_tensor(tensor.name + ".lora_a", {kRank, rows}, b);
      file_.add_tensor(tensor.name + ".lora_b", {kRank, columns}, turned);
      return;
    }
    file_.add_tensor(tensor.name + ".lora_a", a_dims, a);
    file_.add_tensor(tensor.name + ".lora_b", b_dims, b);
  }

  test::Random random_;
  GgufWriter file_;
  std::map<std::string, std::vector<double>> deltas_;
};

std::vector<float> all_logits(const Model& model, std::size_t batch, int threads) {
  SessionOptions options = {.kv = {"f32"}, .threads = threads};
  options.batch_tokens = static_cast<int>(batch);
  Session session(model, options);
  std::vector<float> all;
  session.feed_logits(test::random_tokens(model, 90, 3),
                      [&](int, std::span<const float> logits) { all.insert(all.end(), logits.begin(), logits.end()); });
  return all;
}

struct Adapted {
  std::string name;
  TinyModelSpec spec;
  std::vector<std::string> endings;
};

std::vector<Adapted> adapted_models() {
  TinyModelSpec untied;
  untied.tied_output = false;
  TinyModelSpec latent{.architecture = "minicpm3", .kv_heads = 4, .head_size = 48};
  latent.value_size = 16;
  latent.query_latent = 32;
  return {
      {"Llama", {}, {"attn_q.weight", "attn_v.weight", "ffn_down.weight", "attn_output.weight"}},
      {"LlamaEverywhere", untied, {"_q.weight", "_k.weight", "gate.weight", "up.weight", "output.weight"}},
      {"LlamaEmbedding", untied, {"token_embd.weight"}},
      {"TiedEmbedding", {}, {"token_embd.weight", "attn_k.weight"}},
      {"FusedTensors", {.architecture = "phi3"}, {"attn_qkv.weight", "ffn_up.weight"}},
      {"Experts", {.architecture = "qwen3moe"}, {"_exps.weight", "ffn_gate_inp.weight"}},
      {"Latent", latent, {"attn_kv_b.weight", "attn_q_b.weight", "attn_kv_a_mqa.weight"}},
      {"Recurrent", {.architecture = "mamba2"}, {"ssm_in.weight", "ssm_out.weight"}},
  };
}

class Adapters : public testing::TestWithParam<Adapted> {};

TEST_P(Adapters, AreAsIfTheirProductsWereInTheMatrices) {
  const TempDir folder;
  const Adapted& adapted = GetParam();
  GgufWriter model = test::tiny_model_writer(adapted.spec);
  model.write(folder / "base.gguf");
  TinyAdapter first(model, adapted.spec.architecture, adapted.endings, 5);
  TinyAdapter second(model, adapted.spec.architecture, {adapted.endings.front()}, 6);
  first.file().write(folder / "first.gguf");
  second.file().write(folder / "second.gguf");
  first.merge(0.7, model);
  second.merge(-1.2, model);
  model.write(folder / "merged.gguf");

  ModelOptions options{.arithmetic = Arithmetic::kF32};
  const Model base = Model::load(folder / "base.gguf", options);
  const std::vector<float> expected = all_logits(Model::load(folder / "merged.gguf", options), 64, 1);
  EXPECT_GT(test::relative_error(all_logits(base, 64, 1), expected), 1e-2);
  options.adapters = {{folder / "first.gguf", 0.7}, {folder / "second.gguf", -1.2}};
  const Model both = Model::load(folder / "base.gguf", options);
  EXPECT_EQ(both.info().adapters, 2);
  EXPECT_GT(both.info().weight_bytes, base.info().weight_bytes);
  EXPECT_EQ(ModelOutline::read(folder / "base.gguf", options).info().weight_bytes, both.info().weight_bytes);
  const std::vector<float> logits = all_logits(both, 64, 1);
  EXPECT_LT(test::relative_error(logits, expected), 1e-5);
  EXPECT_EQ(all_logits(both, 7, 1), logits) << "however a prompt is cut";
  EXPECT_EQ(all_logits(both, 64, 3), logits) << "three threads";
  EXPECT_EQ(all_logits(both, 1, 2), logits) << "one by one";
}

INSTANTIATE_TEST_SUITE_P(Models, Adapters, testing::ValuesIn(adapted_models()),
                         [](const auto& instance) { return instance.param.name; });

TEST(Adapter, IsPartOfTheModelThatASnapshotIsOf) {
  const TempDir folder;
  const GgufWriter model = test::tiny_model_writer({});
  model.write(folder / "base.gguf");
  TinyAdapter(model, "llama", {"attn_q.weight"}, 5).file().write(folder / "adapter.gguf");
  const Model base = Model::load(folder / "base.gguf");
  const Model adapted = Model::load(folder / "base.gguf", {.adapters = {{folder / "adapter.gguf"}}});
  const Model other = Model::load(folder / "base.gguf", {.adapters = {{folder / "adapter.gguf", 0.5}}});
  Session session(adapted);
  session.feed(test::random_tokens(adapted, 20, 1));
  session.save(folder / "session.pith");
  Session again = Session::restore(adapted, folder / "session.pith");
  EXPECT_EQ(test::logits_of(again), test::logits_of(session));
  for (const Model& wrong : {base, other}) EXPECT_THROW((void)Session::restore(wrong, folder / "session.pith"), Error);
}

struct Refused : testing::Test {
  void expect(ErrorKind kind, const std::string& part, double scale = 1.0) {
    adapter.file().write(folder / "adapter.gguf");
    test::expect_error(kind, part, [&] {
      (void)Model::load(folder / "base.gguf", {.adapters = {{folder / "adapter.gguf", scale}}});
    });
  }
  GgufWriter::Tensor& tensor(const std::string& name) {
    for (GgufWriter::Tensor& each : adapter.file().tensors) {
      if (each.name == name) return each;
    }
    throw std::invalid_argument(name);
  }
  template <typename T>
  void set(const char* key, T value) {
    adapter.file().remove(key).add(key, value);
  }

  TempDir folder;
  GgufWriter model = test::tiny_model_writer({});
  TinyAdapter adapter = TinyAdapter(model, "llama", {"blk.1.attn_q.weight", "token_embd.weight"}, 5);
  const std::string query = "blk.1.attn_q.weight";

  void SetUp() override { model.write(folder / "base.gguf"); }
};

TEST_F(Refused, OfAnotherKind) {
  set("general.type", "model");
  expect(ErrorKind::kFormat, "general.type is \"model\"");
  set("general.type", "adapter");
  set("adapter.type", "control_vector");
  expect(ErrorKind::kUnsupported, "adapter.type is \"control_vector\"");
  set("adapter.type", "lora");
  set("general.architecture", "qwen2");
  expect(ErrorKind::kInvalidArgument, "general.architecture is \"qwen2\", must be \"llama\"");
  set("general.architecture", "llama");
  adapter.file().remove("adapter.type");
  expect(ErrorKind::kFormat, "adapter.type is missing");
}

TEST_F(Refused, ScalesThatAreNoNumbers) {
  expect(ErrorKind::kInvalidArgument, "must be finite", std::nan(""));
  set("adapter.lora.alpha", INFINITY);
  expect(ErrorKind::kFormat, "adapter.lora.alpha is inf");
}

TEST_F(Refused, BeginningAtCertainTokens) {
  adapter.file().add_array("adapter.alora.invocation_tokens", std::vector<std::uint32_t>{1, 2});
  expect(ErrorKind::kUnsupported, "adapter.alora.invocation_tokens");
}

TEST_F(Refused, HalfAPair) {
  tensor(query + ".lora_b").name = "blk.0.attn_q.weight.lora_b";
  expect(ErrorKind::kFormat, ".lora_");
}

TEST_F(Refused, WholeTensors) {
  adapter.file().add_tensor("blk.0.attn_norm.weight", {64}, std::vector<float>(64, 1.0F));
  expect(ErrorKind::kUnsupported, "blk.0.attn_norm.weight is neither of a pair");
}

TEST_F(Refused, TwoRanks) {
  tensor(query + ".lora_a").dims = {64 * kRank / 2, 2};
  expect(ErrorKind::kFormat, "must have one rank");
}

TEST_F(Refused, OtherShapes) {
  tensor(query + ".lora_a").dims = {32, kRank};
  tensor(query + ".lora_a").data.resize(32 * kRank * sizeof(float));
  expect(ErrorKind::kInvalidArgument, "what is for " + query + " is [32, 64, 1], the model has [64, 64, 1]");
}

TEST_F(Refused, TensorsThatTheModelLacks) {
  tensor(query + ".lora_a").name = "blk.7.attn_q.weight.lora_a";
  tensor(query + ".lora_b").name = "blk.7.attn_q.weight.lora_b";
  expect(ErrorKind::kInvalidArgument, "the model reads no tensor blk.7.attn_q.weight");
}

TEST_F(Refused, NumbersThatAreNotFinite) {
  const float bad = NAN;
  std::memcpy(&tensor(query + ".lora_a").data[4], &bad, sizeof bad);
  expect(ErrorKind::kFormat, "must be finite");
}

TEST_F(Refused, FilesThatAreNotThere) {
  test::expect_error(ErrorKind::kIo, "nowhere.gguf",
                     [&] { (void)Model::load(folder / "base.gguf", {.adapters = {{folder / "nowhere.gguf"}}}); });
}

}  // namespace
}  // namespace pith
