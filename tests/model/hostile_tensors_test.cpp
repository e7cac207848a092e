#include <algorithm>
#include <cmath>
#include <limits>

#include "model/hostile.h"

// Tensors that are missing, surplus, of another shape, or that hold NaN or infinities.
namespace pith::test {
namespace {

constexpr float kFloatInfinity = std::numeric_limits<float>::infinity();

TEST(HostileTensors, MissingTensors) {
  for (const char* architecture : architectures()) {
    const TinyModelSpec spec{.architecture = architecture};
    for (const GgufWriter::Tensor& tensor : tiny_model_writer(spec).tensors) {
      const auto without = [&](GgufWriter& w) {
        std::erase_if(w.tensors, [&](const auto& t) { return t.name == tensor.name; });
      };
      EXPECT_TRUE(refused(spec, without, kFormat, {tensor.name, "missing"}));
    }
  }
}

/// Without a tensor, a part of the model is missing, or what belongs to it is left over.
TEST(HostileTensors, MissingTensorsOfNewerArchitectures) {
  for (const char* architecture :
       {"qwen3moe", "qwen2moe", "gpt-oss", "deepseek", "phi2", "phi3", "glm4", "olmo2", "exaone4", "gemma2", "falcon",
        "gpt2", "cohere2", "seed_oss", "deepseek2", "minicpm3", "bert", "nomic-bert", "gemma-embedding"}) {
    TinyModelSpec spec{.architecture = architecture, .tied_output = false};
    // Heads that share a latent have more than what is rotated.
    spec.head_size = 48;
    spec.value_size = 16;
    spec.query_latent = 32;
    for (const GgufWriter::Tensor& tensor : tiny_model_writer(spec).tensors) {
      // Without their own these work in another way: tied, or without a bias.
      const bool optional = tensor.name == "output.weight" || tensor.name == "output.bias" ||
                            tensor.name == "token_types.weight" || tensor.name.ends_with("probs_b.bias") ||
                            (architecture == std::string("bert") && tensor.name.ends_with(".bias") &&
                             tensor.name.find("norm") == std::string::npos) ||
                            (architecture == std::string("falcon") && tensor.name.ends_with("norm.bias")) ||
                            (architecture == std::string("seed_oss") && tensor.name.ends_with(".bias"));
      if (optional) continue;
      const auto without = [&](GgufWriter& w) {
        std::erase_if(w.tensors, [&](const auto& t) { return t.name == tensor.name; });
      };
      EXPECT_TRUE(refused(spec, without, kFormat, {"blk."}) || refused(spec, without, kFormat, {"missing"}) ||
                  refused(spec, without, ErrorKind::kUnsupported, {"is no part of"}))
          << architecture << ": " << tensor.name;
    }
  }
}

TEST(HostileTensors, ExpertsOfAnotherShape) {
  const TinyModelSpec spec{.architecture = "qwen3moe"};
  const GgufWriter sound = tiny_model_writer(spec);
  for (std::size_t i = 0; i < sound.tensors.size(); ++i) {
    const auto& dims = sound.tensors[i].dims;
    if (dims.size() != 3) continue;
    const std::vector<std::vector<std::uint64_t>> others = {
        {dims[0], dims[1] * 2, dims[2] / 2}, {dims[0], dims[1] / 2, dims[2] * 2}, {dims[0] / 2, dims[1] * 2, dims[2]}};
    for (const auto& other : others) {
      EXPECT_TRUE(refused(spec, [&](GgufWriter& w) { w.tensors[i].dims = other; }, kFormat,
                          {sound.tensors[i].name, "want [" + std::to_string(dims[0])}));
    }
  }
}

TEST(HostileTensors, DuplicateTensors) {
  for (const GgufWriter::Tensor& tensor : tiny_model_writer({}).tensors) {
    EXPECT_TRUE(refused({}, [&](GgufWriter& w) { w.tensors.push_back(tensor); }, kFormat, {tensor.name, "twice"}));
  }
}

TEST(HostileTensors, TensorsThatNobodyUses) {
  const std::vector<float> values(64, 1.0F);
  for (const char* name :
       {"blk.2.attn_norm.weight", "blk.0.attn_q.scale", "output.weigth", "x", "blk.0.attn_q_norm.weight"}) {
    EXPECT_TRUE(refused({}, [&](GgufWriter& w) { w.add_tensor(name, {64}, values); }, ErrorKind::kUnsupported,
                        {name, "llama model of 2 layers"}));
  }
  EXPECT_TRUE(refused({}, [&](GgufWriter& w) { w.add_tensor("a\nb\x1b", {64}, values); }, ErrorKind::kUnsupported,
                      {"a\\x0ab\\x1b"}));
}

TEST(HostileTensors, ShapesAgainstHyperParameters) {
  for (const char* architecture : architectures()) {
    const TinyModelSpec spec{.architecture = architecture};
    const GgufWriter sound = tiny_model_writer(spec);
    for (std::size_t i = 0; i < sound.tensors.size(); ++i) {
      const auto& dims = sound.tensors[i].dims;
      // Twice the columns and half the rows; for vectors, a matrix of two rows.
      const std::vector<std::uint64_t> other = dims.size() == 1 ? std::vector<std::uint64_t>{dims[0] / 2, 2}
                                                                : std::vector<std::uint64_t>{dims[0] / 2, dims[1] * 2};
      const std::string& name = sound.tensors[i].name;
      EXPECT_TRUE(refused(spec, [&](GgufWriter& w) { w.tensors[i].dims = other; }, kFormat,
                          {name, "[" + std::to_string(other[0]) + ", ", std::to_string(dims[0])}));
    }
  }
}

TEST(HostileTensors, AnythingMissingIsFoundBeforeAnythingIsPacked) {
  const TempDir folder;
  GgufWriter writer = tiny_model_writer({});
  writer.tensors.pop_back();
  writer.write(folder / "m.gguf");
  int reports = 0;
  ModelOptions options;
  options.progress = [&](double) { ++reports; };
  EXPECT_TRUE(refused(folder / "m.gguf", kFormat, {"output_norm.weight"}, options));
  EXPECT_EQ(reports, 0);
}

TEST(HostileTensors, FrequencyFactors) {
  const TinyModelSpec spec{.rope = TinyRope::kLlama3};
  for (const float value : {0.0F, -1.0F, 1e-30F, 1e31F}) {
    EXPECT_TRUE(refused(spec, set_data("rope_freqs.weight", 4, value), kFormat, {"rope_freqs.weight", " at 1,"}));
  }
  for (const float value : {kFloatInfinity, std::nanf("")}) {
    EXPECT_TRUE(refused(spec, set_data("rope_freqs.weight", 4, value), kFormat, {"rope_freqs.weight", "column 1"}));
  }
}

/// A matrix, a vector and a bias, in every architecture that has them.
TEST(HostileWeights, NanOrInfiniteElements) {
  for (const char* architecture : architectures()) {
    const TinyModelSpec spec{.architecture = architecture};
    for (const GgufWriter::Tensor& tensor : tiny_model_writer(spec).tensors) {
      const std::size_t columns = tensor.dims[0];
      const std::size_t row = tensor.dims.size() == 1 ? 0 : tensor.dims[1] - 1;
      const std::size_t at = sizeof(float) * (row * columns + 5);
      EXPECT_TRUE(refused(spec, set_data(tensor.name, at, kFloatInfinity), kFormat,
                          {tensor.name, "element inf", "row " + std::to_string(row) + ",", "column 5"}));
      EXPECT_TRUE(refused(spec, set_data(tensor.name, at, std::nanf("")), kFormat, {tensor.name, "element nan"}));
    }
  }
}

TEST(HostileWeights, NanOrInfiniteBlockScales) {
  using gguf::TensorType;
  const std::pair<TensorType, std::size_t> scales[] = {
      {TensorType::kF16, 0},    {TensorType::kBF16, 0},   {TensorType::kQ4_0, 0},    {TensorType::kQ4_1, 0},
      {TensorType::kQ4_1, 2},   {TensorType::kQ5_0, 0},   {TensorType::kQ5_1, 2},    {TensorType::kQ8_0, 0},
      {TensorType::kQ2_K, 80},  {TensorType::kQ2_K, 82},  {TensorType::kQ3_K, 108},  {TensorType::kQ4_K, 0},
      {TensorType::kQ4_K, 2},   {TensorType::kQ5_K, 0},   {TensorType::kQ5_K, 2},    {TensorType::kQ6_K, 208},
      {TensorType::kIQ4_NL, 0}, {TensorType::kIQ4_XS, 0}, {TensorType::kIQ1_S, 0},   {TensorType::kIQ2_XXS, 0},
      {TensorType::kIQ2_XS, 0}, {TensorType::kIQ2_S, 0},  {TensorType::kIQ3_XXS, 0}, {TensorType::kIQ3_S, 0},
      {TensorType::kTQ1_0, 52}, {TensorType::kTQ2_0, 64}};
  for (const auto& [type, offset] : scales) {
    TinyModelSpec spec{.embedding = 256, .layers = 1, .head_size = 64};
    spec.feed_forward = 256;
    spec.weight_type = type;
    const gguf::TensorTypeInfo& info = gguf::type_info(type);
    // The last block of row 3.
    const std::size_t blocks = 256 / info.block_elements;
    const std::size_t at = (4 * blocks - 1) * info.block_bytes + offset;
    const std::vector<std::string> parts = {"blk.0.ffn_down.weight", std::string(info.name), "row 3,",
                                            "column " + std::to_string(256 - info.block_elements)};
    for (const std::uint16_t bits : {std::uint16_t{0x7F80}, std::uint16_t{0xFF80}, std::uint16_t{0x7FFF}}) {
      EXPECT_TRUE(refused(spec, set_data("blk.0.ffn_down.weight", at, bits), kFormat, parts)) << info.name;
    }
  }
}

/// Types whose scales are not f16 numbers in one place.
TEST(HostileWeights, OverflowsAndScatteredScales) {
  using gguf::TensorType;
  TinyModelSpec spec{.embedding = 256, .layers = 1, .head_size = 64};
  spec.feed_forward = 256;
  const std::string name = "blk.0.ffn_down.weight";
  spec.weight_type = TensorType::kMXFP4;
  EXPECT_TRUE(refused(spec, set_data(name, std::size_t{3} * 17, std::uint16_t{0x07FF}), kFormat,
                      {name, "MXFP4", "row 0,", "column 96"}));
  spec.weight_type = TensorType::kQ8_K;
  EXPECT_TRUE(
      refused(spec, set_data(name, std::size_t{2} * 292, std::nanf("")), kFormat, {name, "scale nan", "row 2,"}));
  EXPECT_TRUE(refused(spec, set_data(name, std::size_t{2} * 292, 3e38F), kFormat, {name, "weight", "inf", "row 2,"}));
  spec.weight_type = TensorType::kIQ1_M;
  EXPECT_TRUE(refused(spec, set_data(name, std::size_t{56} + 52, std::uint32_t{0x7000C000}), kFormat,
                      {name, "IQ1_M", "row 1,"}));
}

TEST(HostileWeights, AreLookedThroughUnlessAskedNotTo) {
  const TempDir folder;
  for (const auto arithmetic : {Arithmetic::kFast, Arithmetic::kF32}) {
    GgufWriter writer = tiny_model_writer({.weight_type = gguf::TensorType::kQ8_0});
    set_data("blk.0.attn_q.weight", 0, std::uint16_t{0x7E00})(writer);
    writer.write(folder / "m.gguf");
    EXPECT_TRUE(refused(folder / "m.gguf", kFormat, {"blk.0.attn_q.weight", "scale nan"}, {.arithmetic = arithmetic}));
    const Model model = Model::load(folder / "m.gguf", {.arithmetic = arithmetic, .check_weights = false});
    Session session(model);
    try {
      session.feed("hello");
      ADD_FAILURE() << "logits are finite";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kNumeric) << error.what();
    }
  }
}

}  // namespace
}  // namespace pith::test
