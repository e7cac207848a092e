#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cmath>

#include "support/paths.h"

namespace pith::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Returns the message of the error of that kind that `call` throws; empty if it throws none.
template <typename Call>
std::string message_of(ErrorKind kind, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "";
}

std::string refusal(std::string_view policy, const PolicyParameters& parameters) {
  return message_of(ErrorKind::kInvalidArgument, [&] { make_policy(policy, parameters); });
}

TEST(EvictionRegistry, BuiltInNames) {
  EXPECT_THAT(builtin_policies(), ElementsAre("window", "h2o", "tova", "snapkv", "pyramidkv", "adakv", "keydiff",
                                              "knorm", "expected-attention", "kvzip", "random"));
  EXPECT_THAT(builtin_allocators(), ElementsAre("uniform", "pyramid", "adaptive"));
  EXPECT_THAT(builtin_selectors(), ElementsAre("token", "page"));
}

TEST(EvictionRegistry, EveryNameMakesAPartThatBelongsTogether) {
  for (const std::string& name : builtin_policies()) EXPECT_NE(make_allocator(make_policy(name)->allocator()), nullptr);
  for (const std::string& name : builtin_allocators()) EXPECT_NE(make_allocator(name), nullptr);
  for (const std::string& name : builtin_selectors()) EXPECT_NE(make_selector(name), nullptr);
}

TEST(EvictionRegistry, UnknownNamesAreAnsweredWithTheKnown) {
  EXPECT_THAT(message_of(ErrorKind::kUnsupported, [] { make_policy("h3o"); }),
              HasSubstr("eviction policy \"h3o\" is not known; known are window, h2o, tova"));
  EXPECT_THAT(message_of(ErrorKind::kUnsupported, [] { make_policy(""); }), HasSubstr("eviction policy \"\""));
  EXPECT_THAT(message_of(ErrorKind::kUnsupported, [] { make_allocator("cone"); }),
              HasSubstr("allocator \"cone\" is not known; known are uniform, pyramid, adaptive"));
  EXPECT_THAT(message_of(ErrorKind::kUnsupported, [] { make_selector("word"); }),
              HasSubstr("selector \"word\" is not known; known are token, page"));
}

TEST(EvictionRegistry, ParametersThatAreNotKnown) {
  EXPECT_EQ(refusal("h2o", {{"decay", 0.5}, {"dekay", 0.5}}),
            "eviction policy \"h2o\" has no parameter \"dekay\"; it has decay, grace");
  EXPECT_EQ(refusal("window", {{"size", 4}}), "eviction policy \"window\" has no parameter \"size\"; it has none");
  for (const std::string& name : builtin_policies()) EXPECT_NE(refusal(name, {{"no such", 1}}), "") << name;
  for (const std::string& name : builtin_allocators()) {
    EXPECT_NE(message_of(ErrorKind::kInvalidArgument, [&] { make_allocator(name, {{"no such", 1}}); }), "") << name;
  }
  for (const std::string& name : builtin_selectors()) {
    EXPECT_NE(message_of(ErrorKind::kInvalidArgument, [&] { make_selector(name, {{"no such", 1}}); }), "") << name;
  }
}

TEST(EvictionRegistry, ParametersOutOfRange) {
  EXPECT_EQ(refusal("h2o", {{"decay", 0}}),
            "eviction policy \"h2o\": parameter \"decay\" is 0, must be above 0 and at most 1");
  EXPECT_NE(refusal("h2o", {{"decay", 1.5}}), "");
  EXPECT_NE(refusal("h2o", {{"decay", std::nan("")}}), "");
  EXPECT_NE(refusal("h2o", {{"grace", -1}}), "");
  EXPECT_EQ(refusal("snapkv", {{"kernel", 4}}),
            "eviction policy \"snapkv\": parameter \"kernel\" is 4, must be an odd number from 1 to 63");
  EXPECT_EQ(refusal("adakv", {{"window", 2.5}}),
            "eviction policy \"adakv\": parameter \"window\" is 2.5, must be a whole number from 1 to 4096");
  EXPECT_NE(refusal("pyramidkv", {{"max_pooling", 2}}), "");
  EXPECT_NE(refusal("expected-attention", {{"horizon", 0}}), "");
  EXPECT_EQ(refusal("expected-attention", {{"epsilon", -0.5}}),
            "eviction policy \"expected-attention\": parameter \"epsilon\" is -0.5, must be from 0 to 1");
  EXPECT_NE(message_of(ErrorKind::kInvalidArgument, [] { make_allocator("pyramid", {{"beta", 0.5}}); }), "");
  EXPECT_NE(message_of(ErrorKind::kInvalidArgument, [] { make_allocator("adaptive", {{"alpha", 1.01}}); }), "");
  EXPECT_NE(message_of(ErrorKind::kInvalidArgument, [] { make_selector("page", {{"max", 0.5}}); }), "");
  EXPECT_EQ(refusal("h2o", {{"decay", 1}, {"grace", 10}}), "");
}

class Constant final : public EvictionPolicy {
 public:
  void score(const HeadView& /*head*/, std::span<float> scores) const override {
    std::fill(scores.begin(), scores.end(), 1.0F);
  }
};

PolicyFactory make_constant() {
  return [](const PolicyParameters&) { return std::make_unique<Constant>(); };
}

TEST(EvictionRegistry, PartsOfOnesOwn) {
  EvictionRegistry registry;
  registry.add_policy("constant", make_constant());
  registry.add_allocator("even", [](const PolicyParameters& given) { return make_allocator("uniform", given); });
  registry.add_selector("one", [](const PolicyParameters& given) { return make_selector("token", given); });
  EXPECT_THAT(registry.policies(), ElementsAre("constant"));
  EXPECT_THAT(registry.allocators(), ElementsAre("even"));
  EXPECT_THAT(registry.selectors(), ElementsAre("one"));
  EXPECT_EQ(registry.find_policy("h2o"), nullptr);
  const auto policy = make_policy("constant", {}, &registry);
  EXPECT_NE(dynamic_cast<const Constant*>(policy.get()), nullptr);
  EXPECT_EQ(policy->needs(), PolicyNeeds{});
  EXPECT_EQ(policy->allocator(), "uniform");
  EXPECT_NE(make_allocator("even", {}, &registry), nullptr);
  EXPECT_NE(make_selector("one", {}, &registry), nullptr);
  EXPECT_NE(make_policy("h2o", {}, &registry), nullptr) << "built-in ones are known as well";
  EXPECT_THAT(message_of(ErrorKind::kUnsupported, [&] { make_policy("x", {}, &registry); }), HasSubstr("constant"));
  EXPECT_THAT(message_of(ErrorKind::kUnsupported, [&] { make_allocator("x", {}, &registry); }), HasSubstr("even"));
  EXPECT_THAT(message_of(ErrorKind::kUnsupported, [&] { make_selector("x", {}, &registry); }), HasSubstr("one"));
}

TEST(EvictionRegistry, ProtectsNothingByItself) {
  std::vector<std::uint8_t> kept = {0, 1, 0};
  Constant().protect({}, kept);
  EXPECT_THAT(kept, ElementsAre(0, 1, 0));
}

TEST(EvictionRegistry, NamesThatAreRefused) {
  EvictionRegistry registry;
  registry.add_policy("constant", make_constant());
  for (const char* name : {"", "constant", "h2o", "a b", "a/b", "a,b", "a:b", "a=b"}) {
    EXPECT_THAT(message_of(ErrorKind::kInvalidArgument, [&] { registry.add_policy(name, make_constant()); }),
                HasSubstr("eviction policy name \"" + std::string(name) + "\" is "));
  }
  EXPECT_THAT(
      message_of(ErrorKind::kInvalidArgument,
                 [&] { registry.add_allocator("uniform", [](const auto&) { return make_allocator("pyramid"); }); }),
      HasSubstr("allocator name \"uniform\" is taken"));
  EXPECT_THAT(message_of(ErrorKind::kInvalidArgument,
                         [&] { registry.add_selector("page", [](const auto&) { return make_selector("token"); }); }),
              HasSubstr("selector name \"page\" is taken"));
  EXPECT_THAT(message_of(ErrorKind::kInvalidArgument, [&] { registry.add_policy("empty", PolicyFactory()); }),
              HasSubstr("has no factory"));
}

TEST(EvictionRegistry, AFactoryThatMakesNothing) {
  EvictionRegistry registry;
  registry.add_policy("nothing", [](const PolicyParameters&) { return nullptr; });
  EXPECT_THAT(message_of(ErrorKind::kInvalidArgument, [&] { make_policy("nothing", {}, &registry); }),
              HasSubstr("eviction policy \"nothing\": its factory made nothing"));
}

TEST(EvictionRegistry, TheDocumentHasThemAll) {
  const std::string text = test::read_file(std::string(PITH_SOURCE_DIR) + "/docs/policies.md");
  for (const auto& names : {builtin_policies(), builtin_allocators(), builtin_selectors()}) {
    for (const std::string& name : names) EXPECT_THAT(text, HasSubstr("\n| `" + name + "` |"));
  }
}

}  // namespace
}  // namespace pith::policy
