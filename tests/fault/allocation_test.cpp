// Fails every allocation in turn: each failure is an Error, and whatever existed before continues bit for bit.
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "fault/failing_memory.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

using Mode = FailingMemory::Mode;

struct Attempt {
  bool failed = false;  ///< An allocation failed
  bool threw = false;
  std::string unexpected{};  ///< An exception that is not allowed
};

Attempt attempt(long nth, Mode mode, const std::function<void()>& act) {
  Attempt result;
  const auto kind_is_memory = [](const Error& e) {
    // A failed mapping is reported as a file that cannot be read.
    return e.kind() == ErrorKind::kOutOfMemory || e.kind() == ErrorKind::kIo;
  };
  FailingMemory memory(nth, mode);
  try {
    act();
  } catch (const Error& e) {
    result.threw = true;
    if (!kind_is_memory(e)) result.unexpected = e.what();
  } catch (const std::bad_alloc&) {
    // There is no memory for a message either.
    result.threw = true;
    if (mode == Mode::kOnce) result.unexpected = "std::bad_alloc";
  } catch (const std::exception& e) {
    result.threw = true;
    result.unexpected = e.what();
  }
  result.failed = memory.failed();
  return result;
}

/// Tests all of the first allocations, then progressively fewer, since later ones repeat.
long next(long nth) { return nth + 1 + nth / (PITH_SANITIZED != 0 ? 5 : 40); }

/// Fails every allocation that `act` makes on what `prepare` returned, and lets `check` verify that nothing is lost.
template <typename State>
void at_every_allocation(const std::function<std::unique_ptr<State>()>& prepare, const std::function<void(State&)>& act,
                         const std::function<void(State&)>& check) {
  for (const Mode mode : {Mode::kOnce, Mode::kFromThenOn}) {
    int failures = 0;
    for (long nth = 1;; nth = next(nth)) {
      SCOPED_TRACE("allocation " + std::to_string(nth));
      const std::unique_ptr<State> state = prepare();
      const Attempt result = attempt(nth, mode, [&] { act(*state); });
      ASSERT_EQ(result.unexpected, "");
      ASSERT_TRUE(result.failed || !result.threw);
      if (result.threw) ++failures;
      check(*state);
      if (testing::Test::HasFailure()) return;
      if (!result.failed) break;
    }
    EXPECT_GT(failures, 0);
    testing::Test::RecordProperty(mode == Mode::kOnce ? "failures" : "failures_from_then_on", failures);
  }
}

class Allocation : public testing::Test {
 protected:
  std::vector<Token> tokens(std::size_t count) const { return random_tokens(model_, count, 1); }

  /// Feeds the rest: the first ones together, the last 20 one by one, from the session's position on.
  static void feed_rest(Session& session, const std::vector<Token>& all) {
    const std::size_t together = all.size() - 20;
    const auto held = static_cast<std::size_t>(session.position());
    if (held < together) session.feed(std::span(all).subspan(held, together - held));
    while (static_cast<std::size_t>(session.position()) < all.size())
      session.feed(std::span(all).subspan(static_cast<std::size_t>(session.position()), 1));
  }

  /// The session holds a prefix of `all`. Feeds the rest and compares the logits with `expected`.
  static void expect_goes_on_as(Session& session, const std::vector<Token>& all, const std::vector<float>& expected) {
    ASSERT_LE(session.tokens().size(), all.size());
    ASSERT_TRUE(std::equal(session.tokens().begin(), session.tokens().end(), all.begin()));
    if (session.tokens().size() == all.size()) session.truncate(session.position() - 1);
    feed_rest(session, all);
    ASSERT_EQ(logits_of(session), expected);
  }

  const TempDir folder_;
  const std::filesystem::path path_ = write_tiny_model({}, folder_);
  const Model model_ = Model::load(path_);
};

TEST_F(Allocation, LoadingAModel) {
  struct Nothing {};
  at_every_allocation<Nothing>([] { return std::make_unique<Nothing>(); },
                               [&](Nothing&) { Model::load(path_, {.threads = 2}); }, [](Nothing&) {});
}

struct Case {
  const char* name;
  SessionOptions options;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"f16", {.threads = 2, .batch_tokens = 50}},
      {"int4", {.kv = {"int4"}, .threads = 2, .batch_tokens = 50}},
      {"int4_sparse", {.kv = {.key = "int4", .read_share = 0.5, .read_pages_min = 1}, .threads = 1}},
      {"int8_shared", {.kv = {"int8"}, .threads = 1, .batch_tokens = 50, .share_prefixes = true}},
      {"int4_marked", {.kv = {"int4"}, .threads = 1, .batch_tokens = 50, .mark_every = 70}},
      {"int8_within_a_budget",
       {.kv = {"int8"},
        .threads = 1,
        .kv_budget = std::make_shared<KvBudget>(KvBudgetOptions{.bytes_max = std::uint64_t{64} << 20U})}},
      {"turboquant", {.kv = {"turboquant-mse4"}, .threads = 1}},
      {"int4_h2o", {.kv = {"int4"}, .threads = 2, .eviction = {.policy = "h2o", .budget_tokens = 200}}},
      {"f16_expected", {.threads = 1, .eviction = {.policy = "expected-attention", .budget_tokens = 200}}},
  };
  return all;
}

class AllocationOf : public Allocation, public testing::WithParamInterface<Case> {
 protected:
  /// Returns the logits after all tokens if nothing fails.
  std::vector<float> expected(const std::vector<Token>& all) const {
    Session session(model_, GetParam().options);
    feed_rest(session, all);
    return logits_of(session);
  }
  /// Returns a session that holds the first ones.
  std::unique_ptr<Session> with_first(const std::vector<Token>& all, std::size_t count) const {
    auto session = std::make_unique<Session>(model_, GetParam().options);
    session->feed(std::span(all).first(count));
    return session;
  }
};

TEST_P(AllocationOf, Opening) {
  struct Nothing {};
  at_every_allocation<Nothing>([] { return std::make_unique<Nothing>(); },
                               [&](Nothing&) { const Session session(model_, GetParam().options); }, [](Nothing&) {});
}

/// Tokens are taken out as a whole or not at all.
TEST_P(AllocationOf, Dropping) {
  if (GetParam().options.kv.read_share < 1.0 || !GetParam().options.eviction.policy.empty())
    GTEST_SKIP() << "such sessions do not drop";
  const std::vector<Token> all = tokens(330);
  const auto dropped = with_first(all, 300);
  dropped->drop(20, 150);
  dropped->feed(std::span(all).subspan(300));
  const std::vector<float> expected = logits_of(*dropped);
  at_every_allocation<Session>([&] { return with_first(all, 300); }, [&](Session& session) { session.drop(20, 150); },
                               [&](Session& session) {
                                 if (session.position() == 300) session.drop(20, 150);
                                 session.feed(std::span(all).subspan(300));
                                 EXPECT_EQ(logits_of(session), expected);
                               });
}

TEST_P(AllocationOf, Appending) {
  if (GetParam().options.kv.read_share < 1.0 || !GetParam().options.eviction.policy.empty())
    GTEST_SKIP() << "such sessions do not append";
  const std::vector<Token> all = tokens(330);
  const auto document = with_first(all, 200);
  const auto appended = with_first(all, 70);
  appended->append(*document, {.skip = 1, .seam = 3});
  const int position = appended->position();
  appended->feed(std::span(all).subspan(300));
  const std::vector<float> expected = logits_of(*appended);
  at_every_allocation<Session>([&] { return with_first(all, 70); },
                               [&](Session& session) { session.append(*document, {.skip = 1, .seam = 3}); },
                               [&](Session& session) {
                                 if (session.position() == 70) session.append(*document, {.skip = 1, .seam = 3});
                                 ASSERT_EQ(session.position(), position);
                                 session.feed(std::span(all).subspan(300));
                                 EXPECT_EQ(logits_of(session), expected);
                               });
}

TEST_P(AllocationOf, Feeding) {
  const std::vector<Token> all = tokens(330);
  const std::vector<float> expected = this->expected(all);
  at_every_allocation<Session>([&] { return with_first(all, 70); }, [&](Session& session) { feed_rest(session, all); },
                               [&](Session& session) { expect_goes_on_as(session, all, expected); });
}

TEST_P(AllocationOf, ForkingAndGoingOn) {
  const std::vector<Token> all = tokens(200);
  const std::vector<float> expected = this->expected(all);
  at_every_allocation<Session>([&] { return with_first(all, 180); },
                               [&](Session& session) {
                                 Session fork = session.fork();
                                 for (int i = 0; i < 5; ++i) fork.step();
                               },
                               [&](Session& session) { expect_goes_on_as(session, all, expected); });
}

TEST_P(AllocationOf, TakingTokensBack) {
  const std::vector<Token> all = tokens(200);
  const std::vector<float> expected = this->expected(all);
  at_every_allocation<Session>(
      [&] {
        auto session = std::make_unique<Session>(model_, GetParam().options);
        feed_rest(*session, all);
        return session;
      },
      [&](Session& session) { session.truncate(100); },
      [&](Session& session) { expect_goes_on_as(session, all, expected); });
}

INSTANTIATE_TEST_SUITE_P(Options, AllocationOf, testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(Allocation, FeedingABatch) {
  const std::vector<SessionOptions> options = {
      {.kv = {"int4"}, .threads = 2},
      {.kv = {"int4"}, .threads = 2, .eviction = {.policy = "h2o", .budget_tokens = 200}},
      {.threads = 2, .batch_tokens = 50}};
  const std::vector<Token> all = tokens(260);
  std::vector<std::vector<float>> expected;
  for (const SessionOptions& each : options) {
    Session session(model_, each);
    feed_rest(session, all);
    expected.push_back(logits_of(session));
  }
  const auto with_first = [&] {
    auto sessions = std::make_unique<std::vector<Session>>();
    for (const SessionOptions& each : options) {
      sessions->emplace_back(model_, each);
      sessions->back().feed(std::span(all).first(70));
    }
    return sessions;
  };
  at_every_allocation<std::vector<Session>>(
      with_first,
      [&](std::vector<Session>& sessions) {
        Batch batch(model_, {.batch_tokens = 130});
        for (Session& session : sessions) batch.add(session, std::span(all).subspan(70, 170));
        batch.run();
        batch.rethrow_error();
      },
      [&](std::vector<Session>& sessions) {
        for (std::size_t s = 0; s < sessions.size(); ++s) expect_goes_on_as(sessions[s], all, expected[s]);
      });
}

TEST_F(Allocation, Compacting) {
  const SessionOptions options{.kv = {"int4"}, .threads = 2, .eviction = {.policy = "snapkv"}};
  const std::vector<Token> all = tokens(200);
  const auto fed = [&] {
    auto session = std::make_unique<Session>(model_, options);
    session->feed(std::span(all).first(190));
    return session;
  };
  const std::unique_ptr<Session> reference = fed();
  reference->compact(130);
  reference->feed(std::span(all).subspan(190));
  const std::vector<float> expected = logits_of(*reference);
  at_every_allocation<Session>(
      fed, [](Session& session) { session.compact(130); },
      [&](Session& session) {
        session.compact(130);
        session.feed(std::span(all).subspan(190));
        ASSERT_EQ(logits_of(session), expected);
      });
}

TEST_F(Allocation, SavingAndRestoring) {
  const SessionOptions options{.kv = {"int4"}, .threads = 1};
  const std::vector<Token> all = tokens(200);
  Session session(model_, options);
  session.feed(std::span(all).first(190));
  const std::filesystem::path path = folder_ / "first.pith";
  session.save(path);
  const auto is_whole = [&] {
    Session restored = Session::restore(model_, path);
    EXPECT_EQ(logits_of(restored), logits_of(session));
  };
  struct Nothing {};
  const auto nothing = [] { return std::make_unique<Nothing>(); };
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(folder_ / ""), std::filesystem::directory_iterator());
  };
  const auto files_before = files();
  at_every_allocation<Nothing>(
      nothing, [&](Nothing&) { session.save(path); },
      [&](Nothing&) {
        EXPECT_EQ(files(), files_before);
        is_whole();
      });
  std::optional<Session> restored;
  at_every_allocation<Nothing>(
      nothing, [&](Nothing&) { restored.emplace(Session::restore(model_, path)); },
      [&](Nothing&) { restored.reset(); });
}

TEST_F(Allocation, Generating) {
  const SessionOptions options{.kv = {"int4"}, .threads = 1};
  Session reference(model_, options);
  const std::string expected = reference.generate("abc def", {.tokens_max = 80, .ignore_end = true}).text;
  at_every_allocation<Session>(
      [&] { return std::make_unique<Session>(model_, options); },
      [](Session& session) { session.generate("abc def", {.tokens_max = 80, .ignore_end = true}); },
      [&](Session& session) {
        session.reset();
        EXPECT_EQ(session.generate("abc def", {.tokens_max = 80, .ignore_end = true}).text, expected);
      });
}

}  // namespace
}  // namespace pith::test
