#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

// Codecs and policies of the caller's own that misbehave: what comes out, and that the session survives it.

namespace pith::test {
namespace {

using testing::HasSubstr;

/// What a part of the caller's own throws: no pith::Error.
struct Mine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Float32 rows, until it is told to throw.
class Throwing final : public KvCodec {
 public:
  Throwing(const CodecShape& shape, const std::atomic<bool>& throws) : KvCodec(shape), throws_(throws) {}

  std::size_t page_bytes() const override { return kPageTokens * shape().size * sizeof(float); }
  void encode(std::span<const float> rows, std::size_t, std::span<std::byte> page) const override {
    if (throws_) throw Mine("encode");
    std::memcpy(page.data(), rows.data(), page.size());
  }
  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    std::memcpy(rows.data(), page.data(), page.size());
  }

 private:
  const std::atomic<bool>& throws_;
};

/// A page of no bytes.
class Empty final : public KvCodec {
 public:
  explicit Empty(const CodecShape& shape) : KvCodec(shape) {}
  std::size_t page_bytes() const override { return 0; }
  void encode(std::span<const float>, std::size_t, std::span<std::byte>) const override {}
  void decode(std::span<const std::byte>, std::span<float>) const override {}
};

/// Scores by position, with another score or an exception at one position.
class OddAt final : public EvictionPolicy {
 public:
  static constexpr int kPosition = 70;

  explicit OddAt(const std::atomic<float>& odd) : odd_(odd) {}
  void score(const HeadView& head, std::span<float> scores) const override {
    if (odd_ == 1.0F) throw Mine("score");
    for (std::size_t t = 0; t < scores.size(); ++t) {
      const bool here = head.positions[t] == kPosition && head.layer == 1 && head.kv_head == 0;
      scores[t] = here ? odd_.load() : static_cast<float>(head.positions[t]);
    }
  }

 private:
  const std::atomic<float>& odd_;
};

class CustomParts : public testing::Test {
 protected:
  SessionOptions with_codec() {
    auto registry = std::make_shared<CodecRegistry>();
    registry->add("throwing", [&](const CodecShape& s) { return std::make_unique<Throwing>(s, throws_); });
    registry->add("empty", [](const CodecShape& s) { return std::make_unique<Empty>(s); });
    return {.kv = {.key = "throwing", .value = "throwing", .codecs = registry}, .context = 2048, .threads = 2};
  }
  SessionOptions with_policy(std::size_t budget) {
    auto registry = std::make_shared<EvictionRegistry>();
    registry->add_policy("odd", [&](const PolicyParameters&) { return std::make_unique<OddAt>(odd_); });
    SessionOptions options{.context = 2048, .threads = 2};
    options.eviction.policy = "odd";
    options.eviction.registry = registry;
    options.eviction.budget_tokens = budget;
    return options;
  }
  std::string refusal(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }

  std::atomic<bool> throws_ = false;
  std::atomic<float> odd_ = 0.0F;
  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 600, 1);
};

TEST_F(CustomParts, WhatACodecThrowsComesOutUnchanged) {
  Session session(model_, with_codec());
  throws_ = true;
  EXPECT_THROW(session.feed(tokens_), Mine);
  throws_ = false;
  session.reset();
  session.feed(tokens_);
  Session other(model_, with_codec());
  other.feed(tokens_);
  EXPECT_EQ(logits_of(session), logits_of(other));
}

TEST_F(CustomParts, WhatAPolicyThrowsComesOutUnchanged) {
  Session session(model_, with_policy(0));
  session.feed(tokens_);
  odd_ = 1.0F;
  EXPECT_THROW(session.compact(200), Mine);
  EXPECT_EQ(session.tokens().size(), tokens_.size());
  odd_ = 0.0F;
  session.compact(200);
  EXPECT_EQ(session.kv_stats().held_tokens, 200);
}

TEST_F(CustomParts, ACodecWithPagesOfNoBytesIsRefused) {
  SessionOptions options = with_codec();
  options.kv.value = "empty";
  EXPECT_THAT(refusal([&] { Session(model_, options); }),
              HasSubstr("KV codec \"empty\": page_bytes() is 0, a page has at least 1 byte"));
}

TEST_F(CustomParts, ScoresThatAreNotFiniteAreRefused) {
  for (const float odd : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    odd_ = 0.0F;
    Session session(model_, with_policy(0));
    session.feed(tokens_);
    odd_ = odd;
    const std::string message = refusal([&] { session.compact(200); });
    EXPECT_THAT(message,
                HasSubstr("eviction policy \"odd\": layer 1, KV head 0: the score of the token at position 70"));
    EXPECT_THAT(message, HasSubstr("must be finite"));
    // Nothing was lost.
    session.feed(std::span(tokens_).first(10));
    EXPECT_EQ(session.kv_stats().held_tokens, 610);
  }
}

TEST_F(CustomParts, ScoresThatAreNotFiniteFailAFeed) {
  Session session(model_, with_policy(256));
  odd_ = std::nanf("");
  EXPECT_THAT(refusal([&] { session.feed(tokens_); }), HasSubstr("position 70 is nan"));
}

/// The table in docs/policies.md: what may compact a session that was not made for it.
TEST_F(CustomParts, WhichPolicyCompactsAfterTheFact) {
  Session plain(model_, {.context = 4096, .threads = 2});
  plain.feed(tokens_);
  EXPECT_THAT(refusal([&] { plain.compact(300); }), HasSubstr("has no eviction policy"));
  std::vector<std::string> refused;
  for (const std::string& policy : builtin_policies()) {
    Session session = plain.fork();
    try {
      session.compact(300, {.policy = policy});
      EXPECT_LE(session.kv_stats().held_tokens, 300) << policy;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("does not observe what policy \"" + policy + "\" needs"));
      refused.push_back(policy);
    }
  }
  EXPECT_THAT(refused,
              testing::UnorderedElementsAre("h2o", "tova", "snapkv", "pyramidkv", "adakv", "expected-attention"));

  SessionOptions observing{.context = 4096, .threads = 2};
  observing.eviction.policy = "window";
  observing.eviction.observe = refused;
  Session observed(model_, observing);
  observed.feed(tokens_);
  for (const std::string& policy : builtin_policies()) {
    Session session = observed.fork();
    session.compact(300, {.policy = policy});
    EXPECT_LE(session.kv_stats().held_tokens, 300) << policy;
  }
}

/// docs/adding/codec.md: a custom codec's tokens are not copied, so a page is freed once it is empty.
TEST_F(CustomParts, PagesOfACustomCodecAreFreedWhole) {
  SessionOptions options = with_codec();
  Session scattered(model_, options);
  scattered.feed(tokens_);
  Session whole = scattered.fork();
  const auto bytes = scattered.kv_stats().bytes;
  scattered.compact(300, {.policy = "random"});
  EXPECT_EQ(scattered.kv_stats().held_tokens, 300);
  EXPECT_EQ(scattered.kv_stats().bytes, bytes) << "every page holds some token still";
  whole.compact(300, {.policy = "random", .selector = "page"});
  EXPECT_LT(static_cast<double>(whole.kv_stats().bytes), 0.7 * static_cast<double>(bytes));
}

}  // namespace
}  // namespace pith::test
