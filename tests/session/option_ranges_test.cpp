#include <gtest/gtest.h>
#include <pith/pith.h>

#include <string>

#include "options/all_options.h"
#include "support/refusal.h"
#include "support/tiny_model.h"

// What takes options checks them: every range of the tables, at both ends, through the public API.
namespace pith::test {
namespace {

class OptionRanges : public testing::Test {
 protected:
  /// Calls use(options) with every number of the struct just outside of its range, which must be refused with the
  /// table's text after `owner`, and at its ends, which must not be refused.
  template <typename Struct, typename Use>
  void expect_enforced(const Struct& plain, const std::string& owner, const Use& use) const {
    for_each_number<Struct>([&](const auto& row) {
      const auto ends = ends_of(row.range);
      Struct changed = plain;
      for (const auto value : ends.outside) {
        changed.*(row.member) = value;
        const std::string message = refusal(ErrorKind::kInvalidArgument, [&] { use(changed); });
        EXPECT_EQ(message, fmt::format("{}{} is {}, {}", owner, row.name, value, options::requirement(row.range)));
      }
      // A thousand threads are allowed, but nothing that every run of the tests should start.
      if (row.name == "threads") return;
      for (const auto value : ends.inside) {
        changed.*(row.member) = value;
        EXPECT_NO_THROW(use(changed)) << row.name << " " << value;
      }
    });
  }

  const TempDir folder_;
  const std::filesystem::path path_ = write_tiny_model({.tied_output = false}, folder_);
  const Model model_ = Model::load(path_, {.threads = 1});
};

TEST_F(OptionRanges, OfModels) {
  expect_enforced(ModelOptions{.threads = 1}, "", [&](const ModelOptions& options) { Model::load(path_, options); });
}

TEST_F(OptionRanges, OfSessions) {
  expect_enforced(SessionOptions{}, "", [&](const SessionOptions& options) { Session(model_, options); });
}

TEST_F(OptionRanges, OfPlans) {
  expect_enforced(SessionOptions{}, "",
                  [&](const SessionOptions& options) { static_cast<void>(predict_memory(model_, options, 1)); });
}

TEST_F(OptionRanges, OfCaches) {
  expect_enforced(KvOptions{}, "", [&](const KvOptions& options) { Session(model_, {.kv = options}); });
  expect_enforced(KvOptions{}, "",
                  [&](const KvOptions& options) { static_cast<void>(predict_kv(model_, options, 1)); });
}

TEST_F(OptionRanges, OfEviction) {
  expect_enforced(EvictionOptions{.policy = "knorm"}, "eviction ",
                  [&](const EvictionOptions& options) { Session(model_, {.eviction = options}); });
}

TEST_F(OptionRanges, ProtectedTokensDoNotWrapAround) {
  EvictionOptions options{.policy = "knorm", .budget_tokens = 256};
  options.recent = ~std::size_t{0} - 100;
  expect_error(ErrorKind::kInvalidArgument, "eviction recent is", [&] { Session(model_, {.eviction = options}); });
}

TEST_F(OptionRanges, OfSampling) {
  expect_enforced(SamplingOptions{}, "", [](const SamplingOptions& options) { Sampler(options, 10); });
}

TEST_F(OptionRanges, OfGenerating) {
  expect_enforced(GenerateOptions{.tokens_max = 0}, "", [&](const GenerateOptions& options) {
    Session session(model_, {.context = 8});
    session.generate("a", options);
  });
}

TEST_F(OptionRanges, OfConversations) {
  Session session(model_);
  expect_enforced(ChatOptions{}, "chat: ", [&](const ChatOptions& options) { Chat(session, options); });
}

TEST_F(OptionRanges, OfBeamSearch) {
  Session session(model_, {.context = 8});
  session.feed("a");
  expect_enforced(BeamOptions{.beams = 2}, "",
                  [&](const BeamOptions& options) { static_cast<void>(beam_search(session, options)); });
}

}  // namespace
}  // namespace pith::test
