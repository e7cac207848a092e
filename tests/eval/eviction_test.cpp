#include "eval/eviction.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <cmath>

#include "eval/eviction_figures.h"
#include "eval/text_chunks.h"
#include "plot/xml.h"
#include "support/tiny_model.h"

namespace pith::eval {
namespace {

using Names = std::vector<std::string>;

TEST(EvictionSetup, ControlsAreAlwaysThere) {
  EXPECT_EQ(with_controls(Names{}), (Names{"random", "window"}));
  EXPECT_EQ(with_controls(Names{"h2o", "tova", "h2o"}), (Names{"random", "window", "h2o", "tova"}));
  EXPECT_EQ(with_controls(Names{"h2o", "window"}), (Names{"random", "h2o", "window"}));
  EXPECT_EQ(with_controls(Names{"window", "random"}), (Names{"window", "random"}));
}

TEST(EvictionSetup, CasesAreByPolicyThenRatio) {
  EvictionSetup setup;
  setup.policies = {"tova"};
  setup.ratios = {0.5, 0.25};
  std::vector<std::string> seen;
  for (const EvictionCase& which : cases_of(checked(setup))) {
    seen.push_back(which.policy + " " + std::to_string(which.ratio));
  }
  EXPECT_EQ(seen, (Names{"random 0.500000", "random 0.250000", "window 0.500000", "window 0.250000", "tova 0.500000",
                         "tova 0.250000"}));
}

TEST(EvictionSetup, Refuses) {
  const auto refusal = [](const Names& policies, const std::vector<double>& ratios) -> std::string {
    EvictionSetup setup;
    setup.policies = policies;
    setup.ratios = ratios;
    try {
      checked(setup);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal({"h2o"}, {0, 0.99}), "");
  EXPECT_NE(refusal({"h3o"}, {0.5}).find("h3o"), std::string::npos);
  EXPECT_NE(refusal({"h2o"}, {0.5, 1}).find("ratio is 1, must be"), std::string::npos);
  EXPECT_NE(refusal({"h2o"}, {-0.25}).find("ratio is -0.25, must be"), std::string::npos);
  EXPECT_NE(refusal({"h2o"}, {std::nan("")}).find("ratio is nan"), std::string::npos);
  EXPECT_NE(refusal({"h2o"}, {}).find("no ratios"), std::string::npos);
}

TEST(EvictionSetup, BudgetsAreRounded) {
  EXPECT_EQ(budget_of(0, 1001), 1001U);
  EXPECT_EQ(budget_of(0.5, 1001), 501U);
  EXPECT_EQ(budget_of(0.9, 1001), 100U);
}

/// A policy whose needs cannot be met.
class Never : public EvictionPolicy {
 public:
  void score(const HeadView&, std::span<float>) const override { throw Error(ErrorKind::kUnsupported, "never"); }
};

class EvictionTest : public testing::Test {
 protected:
  static std::string some_text() {
    std::string text;
    for (int i = 0; i < 400; ++i) text += " The number is " + std::to_string(i * 7919 % 4001) + ".";
    return text;
  }

  EvictionSetup some_setup() const {
    EvictionSetup setup;
    setup.policies = {"h2o"};
    setup.ratios = {0, 0.75};
    setup.common.sinks = 2;
    setup.common.recent = 8;
    setup.kv = KvOptions{"int8"};
    setup.threads = 2;
    return setup;
  }

  EvictionKlOptions kl_options() const { return {some_setup(), {"text", text_}, 400, 2}; }

  EvictionNeedleOptions needle_options() const {
    EvictionNeedleOptions options;
    options.setup = some_setup();
    options.lengths = {200, 333};
    options.depths = {0, 60};
    options.repeats = 2;
    options.seed = 3;
    return options;
  }

  EvictionStreamOptions stream_options() const {
    EvictionStreamOptions options;
    options.setup = some_setup();
    options.setup.common.interval = 64;
    options.budget = 128;
    options.stream_tokens = 700;
    options.block_tokens = 300;
    return options;
  }

  /// Creates a session with one policy alone, in which nothing else is observed.
  Session session_of(const EvictionSetup& setup, const std::string& policy) const {
    SessionOptions options{.kv = setup.kv, .threads = 2};
    options.eviction = setup.common;
    options.eviction.policy = policy;
    return Session(model_, options);
  }

  const test::TempDir folder_;
  const Model model_ = Model::load(test::write_tiny_model({}, folder_));
  const std::string text_ = some_text();
};

/// Log-softmax in double.
std::vector<double> log_softmax(std::span<const float> logits) {
  double total = 0;
  for (const float logit : logits) total += std::exp(static_cast<double>(logit));
  std::vector<double> row(logits.begin(), logits.end());
  for (double& value : row) value -= std::log(total);
  return row;
}

TEST_F(EvictionTest, KlIsAsDefined) {
  const EvictionKlOptions options = kl_options();
  const EvictionKlResult result = measure_eviction_kl(model_, options);
  ASSERT_EQ(result.rows.size(), 6U);
  const EvictionKlRow& row = result.rows[5];
  EXPECT_EQ(row.which.policy, "h2o");
  EXPECT_EQ(row.which.ratio, 0.75);
  const TextChunks chunks(model_.tokenizer(), "text", text_, 400, 2);
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    Session exact(model_, {.kv = options.setup.kv, .threads = 2});
    Session evicted = session_of(options.setup, "h2o");
    for (Session* session : {&exact, &evicted}) session->feed(chunks[i].first(200));
    evicted.compact(50);
    EXPECT_EQ(evicted.kv_stats().held_tokens, 50);
    std::vector<std::vector<double>> rows[2];
    const auto tokens = chunks[i].subspan(200, 199);
    exact.feed_logits(tokens, [&](int, std::span<const float> logits) { rows[0].push_back(log_softmax(logits)); });
    evicted.feed_logits(tokens, [&](int, std::span<const float> logits) { rows[1].push_back(log_softmax(logits)); });
    for (std::size_t r = 0; r < 199; ++r, ++count) {
      for (std::size_t j = 0; j < rows[0][r].size(); ++j) {
        sum += std::exp(rows[0][r][j]) * (rows[0][r][j] - rows[1][r][j]);
      }
    }
  }
  EXPECT_EQ(result.tokens_scored, count);
  EXPECT_EQ(row.figures.count, count);
  EXPECT_NEAR(row.figures.mean, sum / static_cast<double>(count), 1e-11);
  EXPECT_GT(row.figures.mean, 1e-8);
  EXPECT_DOUBLE_EQ(row.which.held_tokens, 50);
  EXPECT_DOUBLE_EQ(row.which.evicted_share, 0.75);
}

TEST_F(EvictionTest, NothingEvictedIsNoDivergence) {
  const EvictionKlResult result = measure_eviction_kl(model_, kl_options());
  for (const EvictionKlRow& row : result.rows) {
    if (row.which.ratio == 0) {
      EXPECT_EQ(row.figures.mean, 0) << row.which.policy;
      EXPECT_EQ(row.figures.largest, 0) << row.which.policy;
      EXPECT_EQ(row.figures.top_agreement, 1) << row.which.policy;
      EXPECT_EQ(row.which.held_tokens, 200) << row.which.policy;
    } else {
      EXPECT_GT(row.figures.mean, 0) << row.which.policy;
    }
  }
}

TEST_F(EvictionTest, WhatCannotBeHadSaysWhyAndTheRestGoesOn) {
  auto registry = std::make_shared<EvictionRegistry>();
  registry->add_policy("never", [](const PolicyParameters&) { return std::make_unique<Never>(); });
  EvictionKlOptions kl = kl_options();
  kl.setup.policies = {"never", "tova"};
  kl.setup.ratios = {0.5};
  kl.setup.common.registry = registry;
  const EvictionKlResult result = measure_eviction_kl(model_, kl);
  ASSERT_EQ(result.rows.size(), 4U);
  EXPECT_EQ(result.rows[2].which.unsupported, "never");
  EXPECT_EQ(result.rows[2].figures.count, 0U);
  EXPECT_EQ(result.rows[3].which.unsupported, "");
  EXPECT_GT(result.rows[3].figures.mean, 0);
  EvictionNeedleOptions needle = needle_options();
  needle.setup = kl.setup;
  const EvictionNeedleResult keys = measure_eviction_needle(model_, text_, needle);
  EXPECT_EQ(keys.rows[2].which.unsupported, "never");
  EXPECT_TRUE(keys.rows[2].scores.empty());
  EXPECT_EQ(keys.rows[3].scores.size(), 4U);
  const std::string page = eviction_section(result, keys, std::nullopt);
  EXPECT_NE(page.find("<td>never</td><td>50</td><td>never</td>"), std::string::npos) << page;
  EXPECT_EQ(page.find("nan"), std::string::npos);
}

TEST_F(EvictionTest, NeedlesAreAsDefined) {
  const EvictionNeedleOptions options = needle_options();
  const EvictionNeedleResult result = measure_eviction_needle(model_, text_, options);
  // Two lengths, question not seen and seen, three policies, two ratios.
  ASSERT_EQ(result.rows.size(), 24U);
  const Haystack haystack(model_.tokenizer(), text_);
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    const EvictionNeedleRow& row = result.rows[r];
    EXPECT_EQ(row.length, options.lengths[r / 12]);
    EXPECT_EQ(row.question_seen, r / 6 % 2 == 1);
    EXPECT_EQ(row.which.policy, (Names{"random", "window", "h2o"})[r / 2 % 3]);
    ASSERT_EQ(row.scores.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
      const NeedlePrompt prompt = haystack.prompt(draw_passkey(3, i % 2), row.length, options.depths[i / 2]);
      const std::span<const Token> tokens = prompt.tokens;
      const std::size_t before = row.question_seen ? tokens.size() : prompt.question_at;
      Session session = session_of(options.setup, row.which.policy);
      // Feeds the question by itself, since the end of a feed may matter to a policy.
      session.feed(tokens.first(prompt.question_at));
      if (row.question_seen) session.feed(tokens.subspan(prompt.question_at));
      session.compact(budget_of(row.which.ratio, session.position()));
      const NeedleScore expected = score_answer(session, tokens.subspan(before), prompt.answer);
      EXPECT_NEAR(row.scores[i].log_probability, expected.log_probability, 1e-6) << r << " " << i;
      EXPECT_EQ(row.scores[i].rank, expected.rank) << r << " " << i;
    }
  }
}

TEST_F(EvictionTest, NeedlesWithoutEvictionAreTheExactOnes) {
  const EvictionNeedleResult result = measure_eviction_needle(model_, text_, needle_options());
  ASSERT_EQ(result.exact.size(), 2U);
  ASSERT_EQ(result.exact_f16.size(), 2U);
  const NeedleResult exact = [&] {
    NeedleOptions options;
    options.lengths = {200, 333};
    options.depths = {0, 60};
    options.repeats = 2;
    options.seed = 3;
    options.baseline = KvOptions{"f16"};
    options.codecs = {{"int8"}};
    return measure_needle(model_, text_, options);
  }();
  for (std::size_t length = 0; length < 2; ++length) {
    EXPECT_NEAR(result.exact_f16[length].log_probability(), exact.baseline.summaries[length].log_probability, 1e-6);
    EXPECT_NEAR(result.exact[length].log_probability(), exact.codecs[0].summaries[length].log_probability, 1e-6);
  }
  double changed = 0;
  for (const EvictionNeedleRow& row : result.rows) {
    const double exact_one = result.exact[row.length == 200 ? 0 : 1].log_probability();
    if (row.which.ratio == 0) {
      EXPECT_NEAR(row.log_probability(), exact_one, 1e-9) << row.which.policy;
    } else {
      changed += std::abs(row.log_probability() - exact_one);
    }
  }
  EXPECT_GT(changed, 1e-3);
}

TEST_F(EvictionTest, StreamsHoldTheirBudget) {
  const EvictionStreamResult result = measure_eviction_stream(model_, text_, stream_options());
  Names names;
  for (const EvictionStreamRow& row : result.rows) {
    names.push_back(row.name);
    ASSERT_EQ(row.blocks.size(), 3U);
    EXPECT_EQ(row.blocks[0].end, 300U);
    EXPECT_EQ(row.blocks[2].end, 699U);
    for (const EvictionStreamBlock& block : row.blocks) {
      EXPECT_LE(block.held_tokens, 128) << row.name;
      EXPECT_GT(block.perplexity, 1) << row.name;
    }
  }
  EXPECT_EQ(names, (Names{"fresh windows", "window, no sinks", "random", "window", "h2o"}));
  EXPECT_EQ(result.rows[1].sinks, 0U);
  EXPECT_EQ(result.rows[3].sinks, 2U);
  EXPECT_NE(result.rows[1].blocks[1].perplexity, result.rows[3].blocks[1].perplexity);
  EXPECT_EQ(result.rows[3].blocks[1].policy_bytes, 0U);
  EXPECT_GT(result.rows[4].blocks[1].policy_bytes, 0U);
}

TEST_F(EvictionTest, StreamsPerplexityIsTheSessions) {
  const EvictionStreamOptions options = stream_options();
  const EvictionStreamResult result = measure_eviction_stream(model_, text_, options);
  std::vector<Token> tokens = model_.tokenizer().encode(text_, {.add_special = true, .parse_special = false});
  tokens.resize(700);
  SessionOptions session{.kv = options.setup.kv, .threads = 2};
  session.eviction = options.setup.common;
  session.eviction.policy = "h2o";
  session.eviction.budget_tokens = 128;
  std::vector<double> nlls;
  Session(model_, session).feed_logits(std::span(tokens).first(699), [&](int position, std::span<const float> logits) {
    nlls.push_back(-log_softmax(logits)[static_cast<std::size_t>(tokens[static_cast<std::size_t>(position) + 1])]);
  });
  double all = 0;
  double middle = 0;
  for (std::size_t i = 0; i < nlls.size(); ++i) {
    all += nlls[i] / 699;
    if (i >= 300 && i < 600) middle += nlls[i] / 300;
  }
  EXPECT_NEAR(std::log(result.rows[4].perplexity()), all, 1e-9);
  EXPECT_NEAR(std::log(result.rows[4].blocks[1].perplexity), middle, 1e-9);
}

TEST_F(EvictionTest, FreshWindowsBeginHalfABudgetBefore) {
  EvictionStreamOptions options = stream_options();
  options.block_tokens = 1;
  options.stream_tokens = 260;
  const EvictionStreamResult result = measure_eviction_stream(model_, text_, options);
  std::vector<Token> tokens = model_.tokenizer().encode(text_, {.add_special = true, .parse_special = false});
  // The first window scores a whole budget, each later one half a budget more.
  for (const auto& [at, begin] :
       {std::pair{0UL, 0UL}, std::pair{127UL, 0UL}, std::pair{128UL, 64UL}, std::pair{200UL, 128UL}}) {
    Session session(model_, {.kv = options.setup.kv, .threads = 2});
    session.feed(std::span(tokens).subspan(begin, at - begin + 1));
    const double nll = -log_softmax(session.logits())[static_cast<std::size_t>(tokens[at + 1])];
    EXPECT_NEAR(std::log(result.rows[0].blocks[at].perplexity), nll, 1e-6) << at;
  }
}

TEST_F(EvictionTest, StreamsLeaveOutWhatCannotDecideAsTokensCome) {
  EvictionStreamOptions options = stream_options();
  options.setup.policies = {"kvzip"};
  const EvictionStreamResult result = measure_eviction_stream(model_, text_, options);
  EXPECT_NE(result.rows.back().unsupported.find("kvzip"), std::string::npos);
  EXPECT_TRUE(result.rows.back().blocks.empty());
  EXPECT_NE(eviction_section(std::nullopt, std::nullopt, result).find("does not stream"), std::string::npos);
}

TEST_F(EvictionTest, RefusesBeforeAnythingIsFed) {
  const EvictionProgress never = [](const EvictionStep&) { FAIL(); };
  const auto refuse_kl = [&](const auto& change) {
    EvictionKlOptions options = kl_options();
    change(options);
    EXPECT_THROW(measure_eviction_kl(model_, options, never), Error);
  };
  refuse_kl([](EvictionKlOptions& options) { options.context = 3; });
  refuse_kl([](EvictionKlOptions& options) { options.chunks = 1000; });
  refuse_kl([](EvictionKlOptions& options) { options.setup.ratios = {1}; });
  refuse_kl([](EvictionKlOptions& options) { options.setup.kv = KvOptions{"int99"}; });
  const auto refuse_needle = [&](const auto& change) {
    EvictionNeedleOptions options = needle_options();
    change(options);
    EXPECT_THROW(measure_eviction_needle(model_, text_, options, never), Error);
  };
  refuse_needle([](EvictionNeedleOptions& options) { options.lengths.clear(); });
  refuse_needle([](EvictionNeedleOptions& options) { options.depths.clear(); });
  refuse_needle([](EvictionNeedleOptions& options) { options.repeats = 0; });
  refuse_needle([](EvictionNeedleOptions& options) { options.lengths.push_back(std::size_t{1} << 40); });
  refuse_needle([](EvictionNeedleOptions& options) { options.lengths.push_back(1U << 20); });
  refuse_needle([](EvictionNeedleOptions& options) { options.setup.policies = {"h3o"}; });
  const auto refuse_stream = [&](const auto& change) {
    EvictionStreamOptions options = stream_options();
    change(options);
    EXPECT_THROW(measure_eviction_stream(model_, text_, options, never), Error);
  };
  refuse_stream([](EvictionStreamOptions& options) { options.stream_tokens = 1; });
  refuse_stream([](EvictionStreamOptions& options) { options.stream_tokens = 1U << 20; });
  refuse_stream([](EvictionStreamOptions& options) { options.budget = 70; });
  refuse_stream([](EvictionStreamOptions& options) { options.budget = 0; });
}

TEST_F(EvictionTest, ChartsHaveALineAPolicy) {
  EvictionNeedleOptions options = needle_options();
  options.setup.ratios = {0.75, 0.25};
  const EvictionNeedleResult needle = measure_eviction_needle(model_, text_, options);
  for (const bool seen : {false, true}) {
    const test::Xml xml(eviction_needle_chart(needle, seen, true));
    for (const char* text : {"random", "window", "h2o", "share evicted, %", "recall, %"})
      EXPECT_TRUE(xml.has_text(text));
    EXPECT_TRUE(xml.has_text(seen ? "Passkeys recalled, question seen" : "Passkeys recalled, question not seen"));
  }
  EXPECT_NE(eviction_needle_chart(needle, false, false), eviction_needle_chart(needle, true, false));
  EXPECT_EQ(eviction_section(std::nullopt, std::nullopt, std::nullopt), "");
}

}  // namespace
}  // namespace pith::eval
