#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cmath>
#include <cstring>
#include <thread>

#include "support/refusal.h"
#include "support/tiny_model.h"

namespace pith {
namespace {

using test::expect_error;
using test::GgufWriter;
using test::TempDir;

class SessionTest : public testing::Test {
 protected:
  const TempDir folder_;
  const Model model_ = Model::load(test::write_tiny_model({}, folder_));
};

TEST_F(SessionTest, StepIsSampleAndFeed) {
  Session a(model_);
  Session b(model_);
  a.feed("hello there");
  b.feed("hello there");
  for (int i = 0; i < 10; ++i) {
    const Token token = b.sample();
    b.feed(std::span(&token, 1));
    EXPECT_EQ(a.step(), token);
  }
  EXPECT_TRUE(std::equal(a.tokens().begin(), a.tokens().end(), b.tokens().begin(), b.tokens().end()));
  EXPECT_TRUE(std::equal(a.logits().begin(), a.logits().end(), b.logits().begin(), b.logits().end()));
}

TEST_F(SessionTest, KeepsItsModelAlive) {
  std::unique_ptr<Session> session;
  {
    const Model local = Model::load(folder_ / "tiny.gguf");
    session = std::make_unique<Session>(local);
  }
  session->feed("abc");
  EXPECT_EQ(session->logits().size(), static_cast<std::size_t>(session->model().info().vocab));
}

TEST_F(SessionTest, ContextIsALimitAndNothingIsFedBeyondIt) {
  Session session(model_, {.context = 10});
  const std::vector<Token> tokens(8, 5);
  session.feed(tokens);
  expect_error(ErrorKind::kContextFull, "10", [&] { session.feed(std::vector<Token>(3, 5)); });
  EXPECT_EQ(session.position(), 8);
  session.feed(std::vector<Token>(2, 5));
  EXPECT_EQ(session.position(), 10);
  EXPECT_EQ(session.generate("", {.tokens_max = 5, .ignore_end = true}).reason, FinishReason::kContext);
}

TEST_F(SessionTest, BadArgumentsAreNamed) {
  Session session(model_);
  expect_error(ErrorKind::kInvalidArgument, "logits", [&] { static_cast<void>(session.logits()); });
  const Token outside = model_.info().vocab;
  expect_error(ErrorKind::kInvalidArgument, std::to_string(outside), [&] { session.feed(std::span(&outside, 1)); });
  EXPECT_EQ(session.position(), 0);
  expect_error(ErrorKind::kInvalidArgument, "prompt is empty", [&] { session.generate(""); });
  expect_error(ErrorKind::kUnsupported, "int9", [&] { Session(model_, {.kv = {"int9"}}); });
  expect_error(ErrorKind::kInvalidArgument, "batch_tokens", [&] { Session(model_, {.batch_tokens = 0}); });
  expect_error(ErrorKind::kInvalidArgument, "threads", [&] { Session(model_, {.threads = -2}); });
  expect_error(ErrorKind::kInvalidArgument, "context", [&] { Session(model_, {.context = -1}); });
}

TEST_F(SessionTest, ResetStartsAnewAndReturnsMemory) {
  Session session(model_, {.kv = {"int4"}});
  session.feed(std::vector<Token>(200, 7));
  const std::vector<float> first(session.logits().begin(), session.logits().end());
  EXPECT_GT(session.kv_stats().bytes, 0U);
  session.reset();
  EXPECT_EQ(session.position(), 0);
  EXPECT_EQ(session.kv_stats().bytes, 0U);
  session.feed(std::vector<Token>(200, 7));
  EXPECT_EQ(std::vector<float>(session.logits().begin(), session.logits().end()), first);
}

TEST_F(SessionTest, StatsCountWhatIsHeld) {
  Session session(model_, {.kv = {.key = "int8", .value = "int4"}});
  session.feed(std::vector<Token>(130, 7));
  const KvStats stats = session.kv_stats();
  EXPECT_EQ(stats.key_codec, "int8");
  EXPECT_EQ(stats.value_codec, "int4");
  EXPECT_EQ(stats.tokens, 130);
  EXPECT_EQ(stats.bytes, stats.sealed_bytes + stats.exact_bytes);
  // 2 layers, 2 KV heads, 16 + 16 elements, 2 bytes.
  EXPECT_EQ(stats.bytes_f16, 130U * 2 * 2 * 32 * 2);
}

TEST_F(SessionTest, LogitsSinkSeesEveryPositionInOrder) {
  Session session(model_, {.batch_tokens = 7});
  session.feed("ab");
  const int start = session.position();
  int expected = start;
  session.feed_logits(std::vector<Token>(30, 9), [&](int position, std::span<const float> logits) {
    EXPECT_EQ(position, expected++);
    EXPECT_EQ(logits.size(), static_cast<std::size_t>(model_.info().vocab));
  });
  EXPECT_EQ(expected, start + 30);
}

TEST_F(SessionTest, GenerationStreamsWhatItReturns) {
  Session session(model_);
  std::string streamed;
  const Generation g =
      session.generate("once upon", {.tokens_max = 40, .ignore_end = true}, [&](std::string_view piece) {
        streamed += piece;
        return true;
      });
  EXPECT_EQ(g.reason, FinishReason::kLength);
  EXPECT_EQ(g.tokens.size(), 40U);
  EXPECT_EQ(g.text, streamed);
  EXPECT_EQ(session.position(), g.prompt_tokens + 40);
}

TEST_F(SessionTest, CallbackAndStopTokenCancel) {
  Session session(model_);
  int calls = 0;
  Generation g =
      session.generate("x", {.tokens_max = 100, .ignore_end = true}, [&](std::string_view) { return ++calls < 3; });
  EXPECT_EQ(g.reason, FinishReason::kCancelled);
  EXPECT_EQ(calls, 3);

  std::stop_source source;
  calls = 0;
  g = session.generate(
      "x", {.tokens_max = 100, .ignore_end = true},
      [&](std::string_view) {
        if (++calls == 2) source.request_stop();
        return true;
      },
      source.get_token());
  EXPECT_EQ(g.reason, FinishReason::kCancelled);
  EXPECT_EQ(calls, 2);

  const int before = session.position();
  g = session.generate("more", {}, {}, source.get_token());
  EXPECT_EQ(g.reason, FinishReason::kCancelled);
  EXPECT_EQ(session.position(), before) << "a stop requested beforehand feeds nothing";
}

TEST_F(SessionTest, StopStringEndsBeforeItself) {
  Session session(model_);
  const Generation all = session.generate("tell me", {.tokens_max = 60, .ignore_end = true});
  ASSERT_GT(all.text.size(), 8U);
  std::size_t at = all.text.size() / 2;
  while (at > 0 && (static_cast<unsigned char>(all.text[at]) & 0xC0U) == 0x80U) --at;
  std::size_t end = at + 4;
  while (end < all.text.size() && (static_cast<unsigned char>(all.text[end]) & 0xC0U) == 0x80U) ++end;
  const std::string stop = all.text.substr(at, end - at);
  session.reset();
  GenerateOptions options{.tokens_max = 60, .ignore_end = true};
  options.stop.push_back(stop);
  const Generation cut = session.generate("tell me", options);
  EXPECT_EQ(cut.reason, FinishReason::kStop);
  EXPECT_EQ(cut.text, all.text.substr(0, all.text.find(stop)));
}

TEST_F(SessionTest, SeedsRepeat) {
  const auto text = [&](std::uint64_t seed) {
    Session session(model_);
    return session
        .generate("go", {.tokens_max = 30, .sampling = {.temperature = 50.0F, .seed = seed}, .ignore_end = true})
        .tokens;
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST_F(SessionTest, SessionsShareAModelFromSeveralThreads) {
  const auto run = [&](int threads) {
    Session session(model_, {.kv = {"int4"}, .threads = threads});
    return session.generate("together", {.tokens_max = 30, .ignore_end = true}).tokens;
  };
  const auto expected = run(1);
  std::vector<std::thread> threads;
  std::vector<std::vector<Token>> results(4);
  for (std::size_t i = 0; i < results.size(); ++i)
    threads.emplace_back([&, i] { results[i] = run(static_cast<int>(i % 2) + 1); });
  for (std::thread& t : threads) t.join();
  for (const auto& tokens : results) EXPECT_EQ(tokens, expected);
}

TEST(SessionNumeric, LogitsThatAreNoNumbersFailTheRequest) {
  const TempDir folder;
  GgufWriter writer = test::tiny_model_writer();
  const std::vector<float> nan(64, std::nanf(""));
  for (GgufWriter::Tensor& tensor : writer.tensors) {
    if (tensor.name == "output_norm.weight") std::memcpy(tensor.data.data(), nan.data(), tensor.data.size());
  }
  writer.write(folder / "nan.gguf");
  Session session(Model::load(folder / "nan.gguf", {.check_weights = false}));
  expect_error(ErrorKind::kNumeric, "nan", [&] { session.feed("a"); });
}

}  // namespace
}  // namespace pith
