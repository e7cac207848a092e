#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "model/reference_encoder.h"
#include "support/refusal.h"
#include "support/relative_error.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"
#include "support/tiny_shapes.h"

// Models that read a text as a whole and make embeddings of it.
namespace pith {
namespace {

using test::Numbers;
using test::TempDir;

class Encoder : public testing::TestWithParam<test::TinyShape> {
 protected:
  std::filesystem::path write(const std::function<void(test::GgufWriter&)>& change = {}) const {
    test::GgufWriter writer = test::tiny_model_writer(GetParam().spec);
    if (change) change(writer);
    writer.write(folder_ / "encoder.gguf");
    return folder_ / "encoder.gguf";
  }
  std::string key(const char* name) const { return GetParam().spec.architecture + "." + name; }

  TempDir folder_;
};

TEST_P(Encoder, AgreesWithTheOracle) {
  const std::filesystem::path path = write();
  const gguf::File file = gguf::File::open(path);
  const Model model = Model::load(path, {.arithmetic = Arithmetic::kF32});
  EXPECT_TRUE(model.info().encoder);
  Session session(model);
  // One, less than a tile, several blocks of queries, more than a page.
  for (const std::size_t count : {1UL, 5UL, 48UL, 131UL}) {
    const std::vector<Token> tokens = test::random_tokens(model, count, 7);
    const std::vector<Numbers> hidden = test::reference_hidden(file, test::read_reference_spec(file), tokens);
    Numbers mean(hidden.front().size());
    for (const Numbers& row : hidden) {
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += row[i] / static_cast<double>(count);
    }
    const auto embed = [&](Pooling pooling) { return session.embed(tokens, {.pooling = pooling, .normalize = false}); };
    EXPECT_LT(test::relative_error(embed(Pooling::kFirst), hidden.front()), 1e-5) << count;
    EXPECT_LT(test::relative_error(embed(Pooling::kLast), hidden.back()), 1e-5) << count;
    EXPECT_LT(test::relative_error(embed(Pooling::kMean), mean), 1e-5) << count;
    EXPECT_TRUE(session.tokens().empty());
  }
}

TEST_P(Encoder, SameBitsForAnyNumberOfThreadsAndTextsAtOnce) {
  const Model model = Model::load(write(), {.threads = 3});
  const std::vector<Token> tokens = test::random_tokens(model, 100, 3);
  Session session(model, {.threads = 1});
  const std::vector<float> expected = session.embed(tokens);
  EXPECT_EQ(session.embed(tokens), expected);
  EXPECT_EQ(Session(model, {.threads = 3}).embed(tokens), expected);
  std::vector<float> other;
  std::thread beside([&] { other = Session(model).embed(tokens); });
  EXPECT_EQ(Session(model).embed(tokens), expected);
  beside.join();
  EXPECT_EQ(other, expected);
}

TEST_P(Encoder, PoolsAsTheFileSays) {
  const auto pooled = [&](std::uint32_t type) {
    const Model model = Model::load(write([&](test::GgufWriter& writer) { writer.add(key("pooling_type"), type); }));
    const std::vector<Token> tokens = test::random_tokens(model, 20, 3);
    Session session(model);
    const Pooling expected = std::array{Pooling::kMean, Pooling::kMean, Pooling::kFirst, Pooling::kLast}.at(type);
    EXPECT_EQ(session.embed(tokens), session.embed(tokens, {.pooling = expected}));
    return session.embed(tokens);
  };
  EXPECT_EQ(pooled(0), pooled(1));
  EXPECT_NE(pooled(1), pooled(2));
  EXPECT_NE(pooled(2), pooled(3));
  test::expect_error(ErrorKind::kUnsupported, "pooling_type is 4", [&] {
    (void)Model::load(write([&](test::GgufWriter& writer) { writer.add(key("pooling_type"), 4U); }));
  });
}

TEST_P(Encoder, DoesNothingElse) {
  const Model model = Model::load(write());
  const std::vector<Token> tokens = test::random_tokens(model, 10, 3);
  Session session(model);
  const auto refused = [](const auto& call) { test::expect_error(ErrorKind::kUnsupported, "embed()", call); };
  refused([&] { session.feed(tokens); });
  refused([&] { (void)session.generate(tokens); });
  refused([&] { (void)session.score(tokens, {.first = 1}); });
  refused([&] { session.feed_hidden(tokens, [](int, std::span<const float>) {}); });
  Batch batch(model);
  batch.add(session, tokens);
  batch.run();
  refused([&] { batch.rethrow_error(); });
  test::expect_error(ErrorKind::kUnsupported, "cache no tokens",
                     [&] { Session(model, {.eviction = {.policy = "window", .budget_tokens = 64}}); });
  test::expect_error(ErrorKind::kContextFull, "do not fit",
                     [&] { (void)Session(model, {.context = 8}).embed(tokens); });
  EXPECT_THROW((void)session.embed(std::vector<Token>{-1}), Error);
  EXPECT_THROW((void)session.embed(std::vector<Token>{}), Error);
}

INSTANTIATE_TEST_SUITE_P(Models, Encoder, testing::ValuesIn(test::tiny_encoders()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace pith
