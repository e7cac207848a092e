#include "quantize/plan.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "quantize/name_pattern.h"
#include "quantize/type_names.h"
#include "support/gguf_writer.h"
#include "support/paths.h"
#include "support/refusal.h"

namespace pith::quantize {
namespace {

using gguf::TensorType;
using test::GgufWriter;

constexpr std::size_t kLayers = 16;

/// A file of many layers, whose matrices have one row pair each.
GgufWriter layered(std::uint64_t columns = 256, std::uint32_t experts = 0, std::uint32_t kv_heads = 2) {
  GgufWriter writer;
  writer.add("general.architecture", "llama").add("llama.attention.head_count", 8U);
  writer.add("llama.attention.head_count_kv", kv_heads).add("llama.expert_count", experts);
  const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& dims) {
    std::uint64_t count = 1;
    for (const std::uint64_t dim : dims) count *= dim;
    writer.add_tensor(name, TensorType::kF16, dims, test::Bytes(static_cast<std::size_t>(2 * count)));
  };
  add("token_embd.weight", {columns, 4});
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    const std::string prefix = "blk." + std::to_string(layer) + ".";
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_gate", "ffn_down"})
      add(prefix + name + ".weight", {columns, 2});
    add(prefix + "attn_norm.weight", {columns});
    if (experts != 0) add(prefix + "ffn_up_exps.weight", {columns, 2, experts});
    if (experts != 0) add(prefix + "ffn_gate_inp.weight", {columns, experts});
  }
  add("output.weight", {columns, 4});
  return writer;
}

class Plan : public testing::Test {
 protected:
  std::map<std::string, std::string> types(const GgufWriter& writer, const QuantizeOptions& options) {
    writer.write(path_);
    const gguf::File file = gguf::File::open(path_);
    std::map<std::string, std::string> result;
    for (const PlannedTensor& planned : plan_tensors(file, options)) {
      result[planned.tensor->name] = gguf::type_info(planned.type).name;
      notes_[planned.tensor->name] = planned.note;
    }
    return result;
  }
  std::map<std::string, std::string> types(const std::string& mix) { return types(layered(), {.type = mix}); }

  const test::TempDir folder_;
  const std::filesystem::path path_ = folder_ / "model.gguf";
  std::map<std::string, std::string> notes_;
};

TEST_F(Plan, Q4KMRaisesTheEndsAndEveryThirdLayer) {
  auto found = types("q4_k_m");
  EXPECT_EQ(found["token_embd.weight"], "Q4_K");
  EXPECT_EQ(found["output.weight"], "Q6_K");
  std::string downs;
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    const std::string prefix = "blk." + std::to_string(layer) + ".";
    downs += found[prefix + "ffn_down.weight"] == "Q6_K" ? '6' : '4';
    EXPECT_EQ(found[prefix + "attn_v.weight"], found[prefix + "ffn_down.weight"]);
    EXPECT_EQ(found[prefix + "attn_q.weight"], "Q4_K");
    EXPECT_EQ(found[prefix + "attn_norm.weight"], "F16");
  }
  EXPECT_EQ(downs, "6644644644644666");
}

TEST_F(Plan, OtherMixesHaveTheirRules) {
  auto found = types("Q3_K_M");
  EXPECT_EQ(found["blk.0.ffn_down.weight"], "Q5_K");
  EXPECT_EQ(found["blk.1.ffn_down.weight"], "Q4_K");
  EXPECT_EQ(found["blk.1.attn_v.weight"], "Q5_K");
  EXPECT_EQ(found["blk.2.attn_v.weight"], "Q4_K");
  EXPECT_EQ(found["blk.2.attn_output.weight"], "Q4_K");
  EXPECT_EQ(found["blk.2.attn_q.weight"], "Q3_K");
  found = types("q2_k");
  EXPECT_EQ(found["blk.0.attn_v.weight"], "Q4_K");
  found = types(layered(256, 0, 4), {.type = "q2_k"});
  EXPECT_EQ(found["blk.0.attn_v.weight"], "Q3_K");
  found = types("q4_k_s");
  EXPECT_EQ(found["blk.3.attn_v.weight"], "Q5_K");
  EXPECT_EQ(found["blk.4.attn_v.weight"], "Q4_K");
  EXPECT_EQ(found["blk.1.ffn_down.weight"], "Q5_K");
  EXPECT_EQ(found["blk.2.ffn_down.weight"], "Q4_K");
  found = types("tq2_0");
  EXPECT_EQ(found["token_embd.weight"], "Q4_K");
  EXPECT_EQ(found["blk.0.attn_v.weight"], "TQ2_0");
  EXPECT_EQ(types("q4_k"), types("q4_k_m"));
}

TEST_F(Plan, EightExpertsRaiseAttention) {
  auto found = types(layered(256, 8), {.type = "q4_k_m"});
  EXPECT_EQ(found["blk.3.attn_v.weight"], "Q8_0");
  EXPECT_EQ(found["blk.3.attn_k.weight"], "Q8_0");
  EXPECT_EQ(found["blk.3.attn_output.weight"], "Q5_K");
  EXPECT_EQ(found["blk.3.ffn_gate_inp.weight"], "F16");
  EXPECT_EQ(notes_["blk.3.ffn_gate_inp.weight"], "kept");
  found = types(layered(256, 4), {.type = "mxfp4_moe"});
  EXPECT_EQ(found["blk.3.ffn_up_exps.weight"], "MXFP4");
  EXPECT_EQ(found["blk.3.ffn_up.weight"], "Q8_0");
}

TEST_F(Plan, RowsThatAreNoWholeBlocksFallBack) {
  auto found = types(layered(96), {.type = "q4_k_m"});
  EXPECT_EQ(found["blk.0.ffn_down.weight"], "Q8_0");
  EXPECT_EQ(found["blk.2.ffn_down.weight"], "Q5_0");
  EXPECT_EQ(notes_["blk.2.ffn_down.weight"], "96 columns are not whole blocks of Q4_K (256)");
  EXPECT_EQ(found["output.weight"], "Q8_0");
  found = types(layered(100), {.type = "q4_k_m"});
  EXPECT_EQ(found["blk.0.ffn_down.weight"], "F16");
  for (const auto& [name, type] : types(layered(100), {.type = "q8_0"})) EXPECT_EQ(type, "F16") << name;
}

TEST_F(Plan, EveryTypeHasAFallback) {
  for (const Mix& mix : all_mixes()) {
    EXPECT_EQ(fitting_type(mix.type, 256), mix.type) << mix.name;
    EXPECT_LE(gguf::type_info(fitting_type(mix.type, 32)).block_elements, 32U) << mix.name;
    EXPECT_NE(fitting_type(mix.type, 32) == TensorType::kF16, mix.type != TensorType::kF16) << mix.name;
    EXPECT_EQ(gguf::type_info(fitting_type(mix.type, 31)).block_elements, 1U) << mix.name;
  }
}

TEST_F(Plan, OptionsComeBeforeTheMix) {
  auto found = types(layered(), {.type = "q4_k_m", .output_type = "q8_0", .embedding_type = "F16"});
  EXPECT_EQ(found["output.weight"], "Q8_0");
  EXPECT_EQ(found["token_embd.weight"], "F16");
  found = types(layered(), {.type = "q4_k_m", .pure = true});
  for (const auto& [name, type] : found) EXPECT_EQ(type, name.find("norm") == std::string::npos ? "Q4_K" : "F16");
  found = types(layered(), {.type = "q4_k_m",
                            .pure = true,
                            .output_type = "q6_k",
                            .rules = {{R"(blk\.1\.ffn)", "q8_0"}, {"ffn_down|output", "q5_k"}}});
  EXPECT_EQ(found["blk.1.ffn_down.weight"], "Q8_0");
  EXPECT_EQ(found["blk.11.ffn_down.weight"], "Q5_K");
  EXPECT_EQ(found["output.weight"], "Q5_K");
  EXPECT_EQ(found["blk.2.ffn_up.weight"], "Q4_K");
}

TEST_F(Plan, ATiedEmbeddingIsTheOutput) {
  GgufWriter writer = layered();
  writer.tensors.pop_back();
  EXPECT_EQ(types(writer, {.type = "q4_k_m"})["token_embd.weight"], "Q6_K");
  EXPECT_EQ(types(writer, {.type = "q4_0", .output_type = "q8_0"})["token_embd.weight"], "Q8_0");
  EXPECT_EQ(types(writer, {.type = "q8_0"})["token_embd.weight"], "Q8_0");
  EXPECT_EQ(types(writer, {.type = "bf16"})["token_embd.weight"], "BF16");
}

TEST_F(Plan, RefusesOptionsWithoutSense) {
  const auto refused = [&](const QuantizeOptions& options, const std::string& part) {
    test::expect_error(ErrorKind::kInvalidArgument, part, [&] { types(layered(), options); });
  };
  refused({.type = "q4_k_x"}, "q4_k_x is not one of f32, f16");
  refused({.output_type = "q9"}, "output_type: tensor type q9 is not one of F32");
  refused({.embedding_type = "iq2_s"}, "embedding_type: tensor type iq2_s");
  refused({.rules = {{"ffn", "q4_k_m"}}}, "rule 'ffn': tensor type q4_k_m");
  refused({.rules = {{"ffn", "q4_k"}, {"ffn_(", "q4_k"}}}, "'ffn_(' does not compile: missing closing parenthesis");
  refused({.rules = {{"ffn", "q4_k"}, {"ffn_down", "q6_k"}}}, "'ffn_down' is the first to match no matrix");
  refused({.rules = {{"norm", "q8_0"}}}, "'norm'");
}

TEST_F(Plan, QuantizedMatricesTakeLeave) {
  GgufWriter writer = layered();
  writer.tensors[1].type = static_cast<std::uint32_t>(TensorType::kQ8_0);
  writer.tensors[1].data.assign(2 * 256 / 32 * 34, std::byte{0});
  test::expect_error(ErrorKind::kInvalidArgument, "blk.0.attn_q.weight is Q8_0 and would become Q4_K",
                     [&] { types(writer, {.type = "q4_k_m"}); });
  EXPECT_EQ(types(writer, {.type = "q4_k_m", .allow_requantize = true})["blk.0.attn_q.weight"], "Q4_K");
  EXPECT_EQ(types(writer, {.type = "q8_0"})["blk.0.attn_q.weight"], "Q8_0");
}

TEST(Roles, SmallTensorsAreKept) {
  const auto may = [](const std::string& name, std::vector<std::uint64_t> dims = {64, 64}) {
    return may_quantize({.name = name, .type = TensorType::kF32, .dims = std::move(dims), .data = {}});
  };
  for (const char* name :
       {"blk.0.attn_q_norm.weight", "blk.0.ffn_gate_inp.weight", "blk.0.ssm_conv1d.weight",
        "blk.0.shortconv.conv.weight", "blk.0.ssm_a", "blk.0.ssm_beta.weight", "position_embd.weight",
        "token_types.weight", "blk.0.attn_q.bias", "per_layer_model_proj.weight"}) {
    EXPECT_FALSE(may(name)) << name;
  }
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.ffn_down_exps.weight", "blk.0.ssm_in.weight",
                           "blk.0.ssm_out.weight", "blk.0.shortconv.in_proj.weight", "output.weight"}) {
    EXPECT_TRUE(may(name)) << name;
  }
  EXPECT_FALSE(may("blk.0.attn_q.weight", {64}));
  EXPECT_FALSE(may("blk.0.attn_q.weight", {64, 1, 1}));
  EXPECT_FALSE(may("blk.0.attn_q.weight", {1, 64}));
}

TEST(Roles, LayersAreReadFromNames) {
  EXPECT_EQ(layer_of("blk.12.attn_q.weight"), 12U);
  for (const char* name : {"blk.", "blk.x.y", "blk.12", "blk.-1.y", "output.weight", "blk.99999999999999999999.y"})
    EXPECT_EQ(layer_of(name), std::nullopt) << name;
  EXPECT_EQ(role_of("blk.3.attn_qkv.weight"), Role::kAttentionV);
  EXPECT_EQ(role_of("blk.3.ffn_down_exps.weight"), Role::kFfnDown);
  EXPECT_EQ(role_of("blk.3.attn_k_norm.weight"), Role::kOther);
}

TEST(NamePattern, StopsWhereMatchingWouldNot) {
  const NamePattern pattern("(a+)+(a+)+(a+)+$");
  test::expect_error(ErrorKind::kInvalidArgument, "cannot be matched with tensor aaaa",
                     [&] { pattern.matches(std::string(63, 'a') + "b"); });
  EXPECT_TRUE(NamePattern("v\\.w").matches("blk.0.attn_v.weight"));
  EXPECT_FALSE(NamePattern("^v").matches("blk.0.attn_v.weight"));
  EXPECT_TRUE(NamePattern("\xFF").matches("a\xFF"));
}

TEST(TypeNames, CaseDoesNotMatter) {
  EXPECT_EQ(find_type("q6_k", ""), TensorType::kQ6_K);
  EXPECT_EQ(find_type("Iq4_Xs", ""), TensorType::kIQ4_XS);
  EXPECT_FALSE(same_name("q6_k", "q6_"));
}

}  // namespace
}  // namespace pith::quantize
