#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "io/fields.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"
#include "support/refusal.h"
#include "support/tiny_model.h"

// What is no snapshot of this model, these codecs, this policy, or not what was written, is refused with the reason.
namespace pith::test {
namespace {

using testing::HasSubstr;

/// What is written is read at once and never again.
class UnsyncedOps : public io::FileOps {
 public:
  int sync(int) const override { return 0; }
  int sync_folder(const char*) const override { return 0; }
};

/// Stores float32, as long as it is asked to.
class Plain : public KvCodec {
 public:
  Plain(const CodecShape& shape, std::size_t more) : KvCodec(shape), more_(more) {}
  std::size_t page_bytes() const override { return kPageTokens * shape().size * sizeof(float) + more_; }
  void encode(std::span<const float> rows, std::size_t, std::span<std::byte> page) const override {
    std::memcpy(page.data(), rows.data(), rows.size_bytes());
  }
  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    std::memcpy(rows.data(), page.data(), rows.size_bytes());
  }

 private:
  std::size_t more_;
};

std::shared_ptr<CodecRegistry> registry_with(std::size_t more) {
  auto registry = std::make_shared<CodecRegistry>();
  registry->add("plain", [more](const CodecShape& shape) { return std::make_unique<Plain>(shape, more); });
  return registry;
}

/// Keeps what is young; may want to see attention.
class Youngest : public EvictionPolicy {
 public:
  explicit Youngest(int queries) : queries_(queries) {}
  PolicyNeeds needs() const override {
    PolicyNeeds needs;
    needs.queries = queries_;
    return needs;
  }
  void score(const HeadView& head, std::span<float> scores) const override {
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<float>(head.positions[i]);
  }

 private:
  int queries_;
};

std::shared_ptr<EvictionRegistry> policies_with(int queries) {
  auto registry = std::make_shared<EvictionRegistry>();
  registry->add_policy("youngest", [queries](const PolicyParameters&) { return std::make_unique<Youngest>(queries); });
  return registry;
}

class RefusedSnapshot : public testing::Test {
 protected:
  std::string refusal_of(const Model& model, ErrorKind kind, const SnapshotOptions& options = {}) const {
    return refusal(kind, [&] { Session::restore(model, path_, options); });
  }
  void save(const Model& model, const SessionOptions& options, std::size_t tokens) const {
    Session session(model, options);
    session.feed(std::vector<Token>(tokens, 5));
    session.save(path_);
  }

  const TempDir folder_;
  const std::filesystem::path path_ = folder_ / "session.pith";
  const Model model_ = Model::load(write_tiny_model({}, folder_));
};

TEST_F(RefusedSnapshot, OfASessionThatReadsSparsely) {
  Session session(model_, {.kv = {.key = "int4", .read_share = 0.25}});
  session.feed("hello there");
  const std::filesystem::path path = folder_ / "sparse.snapshot";
  EXPECT_NE(refusal(ErrorKind::kUnsupported, [&] { session.save(path); }).find("read_share 0.25"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(RefusedSnapshot, OfAnotherModel) {
  save(model_, {}, 100);
  const Model other = Model::load(write_tiny_model({.seed = 2}, folder_, "other"));
  EXPECT_THAT(refusal_of(other, ErrorKind::kInvalidArgument), HasSubstr("another model"));
  const Model deeper = Model::load(write_tiny_model({.layers = 3}, folder_, "deeper"));
  EXPECT_THAT(refusal_of(deeper, ErrorKind::kInvalidArgument), HasSubstr("another model"));
  const Model exact = Model::load(folder_ / "tiny.gguf", {.arithmetic = Arithmetic::kF32});
  // The same file again is the same model; its weights are float32, so that arithmetic makes no difference here.
  EXPECT_EQ(Session::restore(exact, path_).position(), 100);
}

TEST_F(RefusedSnapshot, OfAnotherArithmetic) {
  TinyModelSpec spec;
  spec.weight_type = gguf::TensorType::kQ8_0;
  const std::filesystem::path file = write_tiny_model(spec, folder_, "quantized");
  save(Model::load(file), {}, 100);
  EXPECT_EQ(Session::restore(Model::load(file, {.threads = 1}), path_).position(), 100);
  EXPECT_THAT(refusal_of(Model::load(file, {.arithmetic = Arithmetic::kF32}), ErrorKind::kInvalidArgument),
              HasSubstr("another arithmetic"));
}

TEST_F(RefusedSnapshot, OfOtherPositions) {
  save(model_, {}, 100);
  TinyModelSpec spec;
  spec.rope = TinyRope::kLinear;
  const Model other = Model::load(write_tiny_model(spec, folder_, "other"));
  EXPECT_THAT(refusal_of(other, ErrorKind::kInvalidArgument), HasSubstr("positions otherwise"));
}

TEST_F(RefusedSnapshot, OfUnknownOrOtherCodecs) {
  save(model_, {.kv = {.key = "plain", .value = "int4", .codecs = registry_with(0)}}, 200);
  EXPECT_THAT(refusal_of(model_, ErrorKind::kUnsupported),
              HasSubstr("the KV codec \"plain\", which is not built in: give it in SnapshotOptions::codecs"));
  EXPECT_THAT(refusal_of(model_, ErrorKind::kInvalidArgument, {.codecs = registry_with(4)}),
              HasSubstr("codecs are other ones"));
  EXPECT_EQ(Session::restore(model_, path_, {.codecs = registry_with(0)}).position(), 200);
}

TEST_F(RefusedSnapshot, OfUnknownOrOtherPolicies) {
  SessionOptions options;
  options.eviction.policy = "youngest";
  options.eviction.budget_tokens = 300;
  options.eviction.registry = policies_with(0);
  save(model_, options, 700);
  EXPECT_THAT(
      refusal_of(model_, ErrorKind::kUnsupported),
      HasSubstr("the eviction policy \"youngest\", which is not built in: give it in SnapshotOptions::eviction"));
  EXPECT_THAT(refusal_of(model_, ErrorKind::kInvalidArgument, {.eviction = policies_with(16)}),
              HasSubstr("policy is another one"));
  EXPECT_EQ(Session::restore(model_, path_, {.eviction = policies_with(0)}).position(), 700);
}

TEST_F(RefusedSnapshot, TenThousandFlippedBits) {
  SessionOptions options{.kv = {.key = "int4"}};
  options.eviction.policy = "h2o";
  options.eviction.budget_tokens = 256;
  save(model_, options, 500);
  Session live = Session::restore(model_, path_);
  const std::string bytes = read_file(path_);
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](std::size_t at, char value) { file.seekp(static_cast<std::streamoff>(at)).put(value).flush(); };
  std::mt19937_64 random(1);
  for (int i = 0; i < (PITH_SANITIZED != 0 ? 1000 : 10000); ++i) {
    const std::size_t bit = random() % (bytes.size() * 8);
    put(bit / 8, static_cast<char>(bytes[bit / 8] ^ static_cast<char>(1U << bit % 8)));
    try {
      Session::restore(model_, path_);
      ADD_FAILURE() << "bit " << bit << " was flipped";
    } catch (const Error& error) {
      ASSERT_THAT(error.what(), HasSubstr(path_.string()));
    }
    put(bit / 8, bytes[bit / 8]);
  }
  Session same = Session::restore(model_, path_);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(live.step(), same.step());
}

TEST_F(RefusedSnapshot, EveryLengthThatIsTooShort) {
  const Model small =
      Model::load(write_tiny_model({.embedding = 32, .layers = 1, .heads = 1, .kv_heads = 1}, folder_, "small"));
  save(small, {.kv = {.key = "int4"}}, 70);
  const std::string bytes = read_file(path_);
  constexpr std::size_t kStep = PITH_SANITIZED != 0 ? 7 : 1;
  for (std::size_t length = 0; length < bytes.size(); length += kStep) {
    write_file(path_, std::as_bytes(std::span(bytes).first(length)));
    try {
      Session::restore(small, path_);
      ADD_FAILURE() << length << " of " << bytes.size() << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat) << error.what();
    }
  }
}

/// Records that are whole and say other things than a session: hashes say nothing about sense.
TEST_F(RefusedSnapshot, NonsenseWithTheRightHashes) {
  SessionOptions options{.kv = {.key = "int4"}};
  options.eviction.policy = "h2o";
  options.eviction.observe = {"expected-attention"};
  options.eviction.budget_tokens = 256;
  save(model_, options, 717);
  // All records, by kind.
  std::vector<std::pair<snapshot::RecordKind, std::vector<std::byte>>> records;
  const std::string bytes = read_file(path_);
  for (std::size_t at = snapshot::kHeaderBytes; at < bytes.size();) {
    snapshot::RecordHeader header;
    std::memcpy(&header, &bytes[at], sizeof header);
    const auto* data = reinterpret_cast<const std::byte*>(&bytes[at + sizeof header]);
    records.emplace_back(static_cast<snapshot::RecordKind>(header.kind), std::vector(data, data + header.size));
    at += sizeof header + header.size + sizeof(std::uint64_t);
  }
  records.pop_back();
  std::mt19937_64 random(2);
  int refused = 0;
  const UnsyncedOps ops;
  for (int i = 0; i < (PITH_SANITIZED != 0 ? 300 : 1500); ++i) {
    const std::size_t chosen = random() % records.size();
    // Pages hold any bytes; the fields are what matters, and the first ones most.
    if (records[chosen].first == snapshot::RecordKind::kPage || records[chosen].second.empty()) continue;
    snapshot::Writer writer(path_, {}, ops);
    for (std::size_t r = 0; r < records.size(); ++r) {
      std::vector<std::byte> content = records[r].second;
      if (r == chosen) {
        const std::size_t reach = i % 2 == 0 ? std::min<std::size_t>(content.size(), 200) : content.size();
        content[random() % reach] ^= static_cast<std::byte>(1 + random() % 255);
        if (i % 10 == 0) content.resize(content.size() - random() % content.size() - 1);
      }
      writer.record(records[r].first, content);
    }
    writer.finish();
    try {
      Session session = Session::restore(model_, path_);
      // Sums may be any number. It must be one to go on with.
      try {
        session.feed(std::vector<Token>(150, 7));
        session.compact(64);
        session.step();
      } catch (const Error& error) {
        EXPECT_TRUE(error.kind() == ErrorKind::kNumeric || error.kind() == ErrorKind::kContextFull) << error.what();
      }
    } catch (const Error& error) {
      ++refused;
    }
  }
  EXPECT_GT(refused, PITH_SANITIZED != 0 ? 20 : 100);
}

}  // namespace
}  // namespace pith::test
