#include "session/snapshot_options.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "options/all_options.h"
#include "support/refusal.h"

// Options as fields of a snapshot: all that the tables say is kept, in the order that docs/formats/snapshot.md states.
namespace pith::session {
namespace {

using io::FieldReader;
using io::FieldWriter;

constexpr std::uint32_t kNewest = 3;

template <typename T>
T changed(const T& value);

/// Changes everything that snapshots keep, so that nothing is as it was by default.
template <options::Tabled T>
T changed_options(const T& value) {
  T result = value;
  options::for_each_saved<T>([&](const auto& row) {
    result.*(row.member) = changed(value.*(row.member));
    if constexpr (options::Number<typename std::remove_cvref_t<decltype(row)>::Member>) {
      if (row.range.step != 0) result.*(row.member) = row.range.step;
      if (!row.range.allows(result.*(row.member))) result.*(row.member) = row.range.least;
    }
  });
  return result;
}

template <typename T>
T changed(const T& value) {
  if constexpr (options::Tabled<T>) {
    return changed_options(value);
  } else if constexpr (options::Number<T>) {
    return static_cast<T>(value + 1);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value + "x";
  } else if constexpr (requires { typename T::mapped_type; }) {
    return {{typename T::key_type{}, changed(typename T::mapped_type{})}};
  } else {
    return {changed(typename T::value_type{}), changed(typename T::value_type{})};
  }
}

/// Expects that what snapshots keep of two values is equal.
template <typename T>
void expect_equal(const T& a, const T& b, std::string_view name) {
  if constexpr (options::Tabled<T>) {
    options::for_each_saved<T>([&](const auto& row) { expect_equal(a.*(row.member), b.*(row.member), row.name); });
  } else if constexpr (requires { typename T::mapped_type; }) {
    ASSERT_EQ(a.size(), b.size()) << name;
    for (const auto& [key, value] : a) expect_equal(value, b.at(key), name);
  } else {
    EXPECT_EQ(a, b) << name;
  }
}

template <typename T>
bool is_default(const T& value, const T& preset) {
  if constexpr (options::Tabled<T>) {
    return false;
  } else if constexpr (requires { typename T::mapped_type; }) {
    return value.empty();
  } else {
    return value == preset;
  }
}

/// Expects that no option is what it is by default, or this test would not see that it is lost.
template <options::Tabled T>
void expect_all_changed(const T& value) {
  options::for_each_saved<T>([&](const auto& row) {
    EXPECT_FALSE(is_default(value.*(row.member), T{}.*(row.member))) << row.name;
    if constexpr (options::Tabled<typename std::remove_cvref_t<decltype(row)>::Member>)
      expect_all_changed(value.*(row.member));
  });
}

TEST(SnapshotOptions, EveryOptionOfASessionComesBack) {
  const SessionOptions options = changed_options(SessionOptions{});
  expect_all_changed(options);
  FieldWriter writer;
  put(writer, options);
  FieldReader reader(writer.bytes(), "session");
  expect_equal(get_session(reader, kNewest), options, "session");
  reader.end();
}

TEST(SnapshotOptions, EveryOptionOfASamplerComesBack) {
  const SamplingOptions options = changed_options(SamplingOptions{});
  expect_all_changed(options);
  FieldWriter writer;
  put(writer, options);
  FieldReader reader(writer.bytes(), "sampling");
  expect_equal(get_sampling(reader, kNewest), options, "sampling");
  reader.end();
}

/// What version 1 has of a sampler, written by hand.
FieldWriter sampling_of_version_1(const SamplingOptions& o) {
  FieldWriter writer;
  for (const float x : {o.temperature, o.top_p, o.min_p, o.repetition_penalty, o.presence_penalty, o.frequency_penalty})
    writer.put(x);
  for (const int x : {o.top_k, o.penalty_window}) writer.put(x);
  writer.put(o.seed);
  writer.put(std::uint64_t{o.logit_bias.size()});
  for (const auto& [token, bias] : o.logit_bias) {
    writer.put(token);
    writer.put(bias);
  }
  return writer;
}

SamplingOptions some_sampling() {
  return {.temperature = 0.5F,
          .top_k = 7,
          .top_p = 0.25F,
          .min_p = 0.125F,
          .repetition_penalty = 1.5F,
          .presence_penalty = -2.0F,
          .frequency_penalty = 3.0F,
          .penalty_window = -1,
          .logit_bias = {{4, -1.0F}, {9, 2.0F}},
          .seed = 0x123456789ABCDEF0,
          .typical_p = 0.75F,
          .xtc_probability = 0.625F,
          .xtc_threshold = 0.375F,
          .dry_multiplier = 4.0F,
          .dry_base = 5.0F,
          .dry_allowed_length = 6,
          .dry_window = 8,
          .dry_breakers = {{1, 2, 3}, {4}},
          .mirostat_tau = 10.0F,
          .mirostat_eta = 11.0F,
          .no_repeat_ngram = 12};
}

std::vector<std::byte> bytes_of(const FieldWriter& writer) { return {writer.bytes().begin(), writer.bytes().end()}; }

TEST(SnapshotOptions, TheSamplersBytesAreThoseOfTheFormat) {
  const SamplingOptions o = some_sampling();
  FieldWriter expected = sampling_of_version_1(o);
  for (const float x : {o.typical_p, o.xtc_probability, o.xtc_threshold, o.dry_multiplier, o.dry_base, o.mirostat_tau,
                        o.mirostat_eta}) {
    expected.put(x);
  }
  for (const int x : {o.dry_allowed_length, o.dry_window, o.no_repeat_ngram}) expected.put(x);
  expected.put(std::uint64_t{2});
  for (const std::vector<Token>& breaker : o.dry_breakers) expected.put_array(breaker);
  FieldWriter writer;
  put(writer, o);
  EXPECT_EQ(bytes_of(writer), bytes_of(expected));
}

TEST(SnapshotOptions, VersionOneHasDefaultsForWhatCameLater) {
  const FieldWriter writer = sampling_of_version_1(some_sampling());
  FieldReader reader(writer.bytes(), "sampling");
  const SamplingOptions read = get_sampling(reader, 1);
  reader.end();
  EXPECT_EQ(read.penalty_window, -1);
  EXPECT_EQ(read.logit_bias, some_sampling().logit_bias);
  EXPECT_EQ(read.typical_p, SamplingOptions{}.typical_p);
  EXPECT_EQ(read.dry_breakers, TokenSequences{});
  EXPECT_EQ(read.no_repeat_ngram, 0);
}

TEST(SnapshotOptions, TheSessionsBytesAreThoseOfTheFormat) {
  SessionOptions o{.kv = {.key = "int4", .value = "int8", .layers = {{3, {"f16", "f32"}}}}};
  o.context = 777;
  o.batch_tokens = 55;
  o.eviction = {.policy = "h2o", .parameters = {{"decay", 0.5}}, .allocator = "pyramid", .observe = {"tova", "snapkv"}};
  o.eviction.allocator_parameters = {{"beta", 10.0}};
  o.eviction.budget_tokens = 1000;
  o.eviction.budget_bytes = 2000;
  o.eviction.seed = 99;
  FieldWriter expected;
  for (const char* text : {"int4", "int8"}) expected.put_text(text);
  expected.put(std::uint64_t{1});
  expected.put(3);
  for (const char* text : {"f16", "f32", "h2o"}) expected.put_text(text);
  expected.put(std::uint64_t{1});
  expected.put_text("decay");
  expected.put(0.5);
  expected.put_text("pyramid");
  expected.put(std::uint64_t{1});
  expected.put_text("beta");
  expected.put(10.0);
  expected.put_text("token");
  for (const std::uint64_t x : {1000U, 2000U, 4U, 64U, 128U, 2U}) expected.put(x);
  for (const char* text : {"tova", "snapkv"}) expected.put_text(text);
  expected.put(std::uint64_t{99});
  for (const int x : {777, 55}) expected.put(x);
  FieldWriter writer;
  put(writer, o);
  EXPECT_EQ(bytes_of(writer), bytes_of(expected));
}

TEST(SnapshotOptions, NumbersOutOfRangeAreRefused) {
  SamplingOptions sampling;
  sampling.top_p = 2.0F;
  FieldWriter writer;
  put(writer, sampling);
  test::expect_error(ErrorKind::kFormat, "file: top_p is 2, allowed are 0 to 1", [&] {
    FieldReader reader(writer.bytes(), "file");
    get_sampling(reader, kNewest);
  });
  SessionOptions session;
  session.eviction.recent = std::size_t{1} << 40;
  FieldWriter nested;
  put(nested, session);
  test::expect_error(ErrorKind::kFormat, "recent is 1099511627776, must be at most 2147483647", [&] {
    FieldReader reader(nested.bytes(), "file");
    get_session(reader, kNewest);
  });
}

TEST(SnapshotOptions, CountsOfMoreThanThereIsAreRefused) {
  FieldWriter writer;
  for (int i = 0; i < 2; ++i) writer.put_text("int8");
  writer.put(~std::uint64_t{0});
  test::expect_error(ErrorKind::kFormat, "layers takes 4 bytes, 0 are left", [&] {
    FieldReader reader(writer.bytes(), "file");
    get_session(reader, kNewest);
  });
}

}  // namespace
}  // namespace pith::session
