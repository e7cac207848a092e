// Bits that flip in pages in memory: detected when pages are next used, and repaired by the use after that.
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "session/session_impl.h"
#include "session/snapshot.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

constexpr int kFlips = PITH_SANITIZED != 0 ? 60 : 600;

/// Returns every sealed page that a session holds.
std::vector<const kv::PageBytes*> pages_of(const Session& session) {
  const kv::Cache& cache = session::Access::impl(session).cache_;
  std::vector<const kv::PageBytes*> pages;
  const auto add = [&](const kv::SealedPage& page) {
    if (page) pages.push_back(page.get());
  };
  for (const KvSide side : kv::kSides) {
    for (const kv::Head* head : cache.heads()) {
      const kv::SidePages& held = head->pages(side);
      add(held.exact_prefix);
      for (const kv::Page& page : held.pages) add(page.recent), add(page.old);
    }
  }
  return pages;
}

void flip_a_bit(const Session& session, std::mt19937& random) {
  const std::vector<const kv::PageBytes*> pages = pages_of(session);
  const kv::PageBytes& page = *pages[random() % pages.size()];
  const std::size_t byte = random() % page.size();
  // The const_cast does what only a hardware fault can do.
  const_cast<std::byte*>(page.data())[byte] ^= std::byte{1} << (random() % 8);
}

void expect_noticed(const std::function<void()>& use) {
  try {
    use();
    ADD_FAILURE() << "nothing was noticed";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIntegrity) << e.what();
    EXPECT_NE(std::string(e.what()).find("have changed in memory"), std::string::npos) << e.what();
  }
}

class PageFlip : public testing::TestWithParam<const char*> {
 protected:
  SessionOptions options(bool checksums = true) const {
    return {.kv = {.key = GetParam(), .page_checksums = checksums}, .threads = 1};
  }
  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 400, 5);
};

TEST_P(PageFlip, AnyIsNoticedAndMended) {
  Session reference(model_, options(false));
  reference.feed(tokens_);
  const std::vector<float> expected = logits_of(reference);
  const std::span<const Token> first = std::span(tokens_).first(390);
  const std::span<const Token> rest = std::span(tokens_).subspan(390);
  Session session(model_, options());
  session.feed(first);
  std::mt19937 random(1);
  for (int i = 0; i < kFlips && !HasFailure(); ++i) {
    flip_a_bit(session, random);
    switch (i % 5) {
      case 0:
        expect_noticed([&] { const Session fork = session.fork(); });
        break;
      case 1:
        expect_noticed([&] { session.save(folder_ / "s.pith"); });
        break;
      case 2:
        expect_noticed([&] { session.truncate(380); });
        break;
      case 3:
        expect_noticed([&] { session.feed(rest); });
        break;
      default:
        expect_noticed([&] { session.generate("", {.tokens_max = 1}); });
        break;
    }
    ASSERT_EQ(session.position(), 390);
    session.feed(rest);
    ASSERT_EQ(logits_of(session), expected);
    session.truncate(390);
  }
}

TEST_P(PageFlip, IsNotNoticedWithoutChecksums) {
  Session session(model_, options(false));
  session.feed(tokens_);
  std::mt19937 random(2);
  flip_a_bit(session, random);
  EXPECT_NO_THROW(session.fork());
}

TEST_P(PageFlip, StaysWithTheOneWhoseCacheItIs) {
  Session session(model_, options());
  session.feed(tokens_);
  Session other(model_, options());
  other.feed(tokens_);
  std::mt19937 random(3);
  flip_a_bit(session, random);
  EXPECT_NO_THROW(other.fork());
}

TEST_P(PageFlip, OfARestoredSessionIsNoticed) {
  {
    Session session(model_, options());
    session.feed(tokens_);
    session.save(folder_ / "s.pith");
  }
  Session restored = Session::restore(model_, folder_ / "s.pith", {.page_checksums = true});
  std::mt19937 random(4);
  flip_a_bit(restored, random);
  expect_noticed([&] { const Session fork = restored.fork(); });
}

TEST_P(PageFlip, KeepsASharedPrefixFromBeingTaken) {
  SessionOptions shared = options();
  shared.share_prefixes = true;
  Session first(model_, shared);
  first.feed(tokens_);
  const std::vector<float> expected = logits_of(first);
  {
    Session second(model_, shared);
    second.feed(tokens_);
    ASSERT_GT(second.shared_tokens(), 0);
  }
  // Flips a bit in every page, since only some are kept for other sessions.
  for (const kv::PageBytes* page : pages_of(first)) const_cast<std::byte*>(page->data())[0] ^= std::byte{1};
  Session third(model_, shared);
  third.feed(tokens_);
  EXPECT_EQ(third.shared_tokens(), 0);
  EXPECT_EQ(logits_of(third), expected);
}

INSTANTIATE_TEST_SUITE_P(Codecs, PageFlip, testing::Values("f16", "int8", "int4", "int2", "turboquant-mse4"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(PageFlipInAStream, IsNoticedBeforePagesArePacked) {
  const TempDir folder;
  const Model model = Model::load(write_tiny_model({}, folder));
  const SessionOptions options{
      .kv = {.key = "int4", .page_checksums = true}, .threads = 2, .eviction = {.policy = "h2o", .budget_tokens = 256}};
  const std::vector<Token> tokens = random_tokens(model, 900, 5);
  Session reference(model, options);
  for (const Token& token : tokens) reference.feed(std::span(&token, 1));
  Session session(model, options);
  std::mt19937 random(6);
  int noticed = 0;
  for (std::size_t i = 0; i < tokens.size();) {
    if (i % 150 == 149 && i < 800) flip_a_bit(session, random);
    try {
      session.feed(std::span(&tokens[i], 1));
      ++i;
    } catch (const Error& e) {
      ASSERT_EQ(e.kind(), ErrorKind::kIntegrity) << e.what();
      ++noticed;
      // The next use recomputes the cache; afterwards the session is as if nothing had happened.
      session.feed(std::span(&tokens[i], 1));
      ++i;
    }
  }
  EXPECT_EQ(noticed, 5);
  EXPECT_NO_THROW(session.fork());
  EXPECT_EQ(logits_of(session), logits_of(reference));
}

}  // namespace
}  // namespace pith::test
