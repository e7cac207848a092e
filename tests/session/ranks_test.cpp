#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "support/session_inputs.h"
#include "support/thread_ranks.h"
#include "support/tiny_model.h"
#include "support/tiny_shapes.h"

// Sessions that several ranks hold: whatever one process computes, bit for bit.
namespace pith::test {
namespace {

/// What a session does on one rank or on several, and the numbers that it comes to.
using Story = std::function<std::vector<float>(const Model& model)>;

/// Tells a story in one process, then on several ranks, each with a model of its own.
void expect_same_on_ranks(const std::filesystem::path& path, const std::vector<std::size_t>& counts,
                          const Story& story) {
  const std::vector<float> alone = story(Model::load(path, {.threads = 1}));
  for (const std::size_t count : counts) {
    on_ranks(count, [&](const std::shared_ptr<Ranks>& ranks) {
      const Model model = Model::load(path, {.threads = 1, .ranks = ranks});
      EXPECT_EQ(story(model), alone) << "rank " << ranks->rank() << " of " << count;
    });
  }
}

void append_logits(const Session& session, std::vector<float>& out) {
  out.insert(out.end(), session.logits().begin(), session.logits().end());
}

/// A prompt of several chunks in two pieces, then some tokens one by one.
std::vector<float> prompt_and_answer(const Model& model, const SessionOptions& options, std::size_t tokens) {
  Session session(model, options);
  std::vector<float> seen;
  session.feed(random_tokens(model, tokens, 1));
  append_logits(session, seen);
  session.feed(random_tokens(model, 7, 2));
  append_logits(session, seen);
  for (const Token token : random_tokens(model, 5, 3)) {
    session.feed(std::vector<Token>{token});
    append_logits(session, seen);
  }
  return seen;
}

class RanksTest : public testing::Test {
 protected:
  const TempDir folder_;
  const std::filesystem::path path_ = write_tiny_model({}, folder_);
};

TEST_F(RanksTest, EveryCodec) {
  std::vector<std::string> codecs = builtin_codecs();
  if (PITH_SANITIZED != 0) codecs = {"f16", "int4", "kivi2"};
  for (const std::string& codec : codecs) {
    SCOPED_TRACE(codec);
    expect_same_on_ranks(path_, {2, 3}, [&](const Model& model) {
      return prompt_and_answer(model, {.kv = {codec}, .threads = 1, .batch_tokens = 384}, 2300);
    });
  }
}

TEST_F(RanksTest, AnyNumberOfThem) {
  expect_same_on_ranks(path_, {1, 2, 3, 4, 7}, [&](const Model& model) {
    return prompt_and_answer(model, {.kv = {"int3"}, .threads = 1, .batch_tokens = 500}, 3100);
  });
}

/// Recurrent layers, windows, latents, experts, keys and values that layers share.
TEST_F(RanksTest, EveryArchitecture) {
  for (const TinyShape& shape : tiny_shapes()) {
    SCOPED_TRACE(shape.name);
    expect_same_on_ranks(write_tiny_model(shape.spec, folder_, "shape"), {2}, [&](const Model& model) {
      return prompt_and_answer(model, {.kv = {"int4"}, .threads = 1, .batch_tokens = 200}, 700);
    });
  }
}

TEST_F(RanksTest, Policies) {
  for (const char* policy : {"h2o", "window", "snapkv"}) {
    SCOPED_TRACE(policy);
    SessionOptions options{.kv = {"int4"}, .threads = 1};
    options.eviction.policy = policy;
    options.eviction.budget_tokens = 1400;
    options.eviction.recent = 64;
    options.eviction.interval = 64;
    expect_same_on_ranks(path_, {2, 3}, [&](const Model& model) { return prompt_and_answer(model, options, 2300); });
  }
}

TEST_F(RanksTest, CompactsByWhatAReconstructionGives) {
  SessionOptions options{.kv = {"int4"}, .threads = 1};
  options.eviction.policy = "kvzip";
  expect_same_on_ranks(path_, {3}, [&](const Model& model) {
    Session session(model, options);
    session.feed(random_tokens(model, 1300, 1));
    session.compact(600);
    session.feed(random_tokens(model, 30, 2));
    return logits_of(session);
  });
}

TEST_F(RanksTest, ForksGoesBackDropsAndShifts) {
  expect_same_on_ranks(path_, {2, 3}, [&](const Model& model) {
    std::vector<float> seen;
    Session session(model, {.kv = {"int4"}, .threads = 1});
    session.feed(random_tokens(model, 1500, 1));
    Session fork = session.fork();
    session.truncate(1490);
    session.feed(random_tokens(model, 20, 2));
    append_logits(session, seen);
    session.truncate(900);
    session.feed(random_tokens(model, 20, 3));
    append_logits(session, seen);
    fork.drop(200, 300);
    fork.feed(random_tokens(model, 100, 4));
    append_logits(fork, seen);
    return seen;
  });
}

TEST_F(RanksTest, SeveralSequencesAPass) {
  expect_same_on_ranks(path_, {2, 3}, [&](const Model& model) {
    std::vector<Session> sessions;
    Batch batch(model, {.threads = 1});
    std::vector<float> seen;
    for (const char* codec : {"int4", "int8", "f16"}) sessions.emplace_back(model, SessionOptions{.kv = {codec}});
    for (const std::size_t tokens : {1200U, 600U, 1U, 1U}) {
      for (Session& session : sessions) batch.add(session, random_tokens(model, tokens, 1));
      batch.run();
      for (const Session& session : sessions) append_logits(session, seen);
    }
    return seen;
  });
}

/// The file is the one that a single process writes, and any number of ranks reads it.
TEST_F(RanksTest, SnapshotsOfSomeAreReadByOthers) {
  const SessionOptions options{.kv = {"int4"}, .threads = 1};
  const auto feed_and_save = [&](const Model& model, const std::string& name) {
    Session session(model, options);
    session.feed(random_tokens(model, 2300, 1));
    session.save(folder_ / name);
  };
  feed_and_save(Model::load(path_), "1");
  on_ranks(3, [&](const std::shared_ptr<Ranks>& ranks) {
    const Model model = Model::load(path_, {.ranks = ranks});
    feed_and_save(model, "3");
  });
  EXPECT_EQ(read_file(folder_ / "3"), read_file(folder_ / "1"));
  expect_same_on_ranks(path_, {2, 7}, [&](const Model& model) {
    Session session = Session::restore(model, folder_ / "3");
    session.feed(random_tokens(model, 10, 2));
    return logits_of(session);
  });
}

TEST_F(RanksTest, EachHoldsItsShare) {
  const auto bytes = [&](const Model& model) {
    Session session(model, {.kv = {"int4"}, .threads = 1});
    session.feed(random_tokens(model, 4000, 1));
    return session.kv_stats().sealed_bytes;
  };
  const std::size_t alone = bytes(Model::load(path_));
  on_ranks(4, [&](const std::shared_ptr<Ranks>& ranks) {
    const Model model = Model::load(path_, {.ranks = ranks});
    // 62 pages, of which a rank has 16 at most, and page 0 besides; the newest are held in a finer form.
    EXPECT_LE(bytes(model), alone * 19 / 62);
  });
}

TEST_F(RanksTest, OtherTokensAreToldOf) {
  expect_error(ErrorKind::kPeer, "feeds other tokens", [&] {
    on_ranks(2, [&](const std::shared_ptr<Ranks>& ranks) {
      const Model model = Model::load(path_, {.ranks = ranks});
      Session session(model);
      session.feed(random_tokens(model, 20, static_cast<unsigned>(ranks->rank())));
    });
  });
}

TEST_F(RanksTest, OtherModelsAndOptionsAreToldOf) {
  TinyModelSpec other;
  other.seed = 2;
  const std::filesystem::path other_path = write_tiny_model(other, folder_, "other");
  expect_error(ErrorKind::kPeer, "rank 2 has another model or version", [&] {
    on_ranks(3, [&](const std::shared_ptr<Ranks>& ranks) {
      Model::load(ranks->rank() == 2 ? other_path : path_, {.ranks = ranks});
    });
  });
  expect_error(ErrorKind::kPeer, "rank 1 makes its session with other options", [&] {
    on_ranks(2, [&](const std::shared_ptr<Ranks>& ranks) {
      const Model model = Model::load(path_, {.ranks = ranks});
      Session(model, {.kv = {ranks->rank() == 0 ? "int4" : "int8"}});
    });
  });
}

TEST_F(RanksTest, WhatTheyCannotDoIsRefused) {
  on_ranks(2, [&](const std::shared_ptr<Ranks>& ranks) {
    const Model model = Model::load(path_, {.ranks = ranks});
    SessionOptions sparse;
    sparse.kv.read_share = 0.5;
    expect_error(ErrorKind::kUnsupported, "sparse reading", [&] { Session(model, sparse); });
    SessionOptions sharing;
    sharing.share_prefixes = true;
    expect_error(ErrorKind::kUnsupported, "sharing prefixes", [&] { Session(model, sharing); });
  });
}

}  // namespace
}  // namespace pith::test
