#include "fuzz/snapshot_edit.h"

#include <cstring>

#include "io/digest.h"
#include "snapshot/header.h"
#include "snapshot/record.h"

namespace pith::fuzz {
namespace {

using snapshot::RecordHeader;
using test::Bytes;

constexpr std::size_t kHashBytes = sizeof(std::uint64_t);

void append_record(Bytes& file, std::uint32_t kind, std::uint32_t number, std::span<const std::byte> bytes) {
  const RecordHeader header = {kind, number, bytes.size()};
  const std::size_t begin = file.size();
  test::append_bytes(file, std::as_bytes(std::span(&header, 1)));
  test::append_bytes(file, bytes);
  test::append_number(file, io::xxh3(std::span(file).subspan(begin)));
}

}  // namespace

std::optional<std::vector<SnapshotRecord>> read_records(std::span<const std::byte> file) {
  if (file.size() < snapshot::kHeaderBytes) return std::nullopt;
  std::vector<SnapshotRecord> records;
  for (std::span<const std::byte> left = file.subspan(snapshot::kHeaderBytes); !left.empty();) {
    RecordHeader header;
    if (left.size() < sizeof header + kHashBytes) return std::nullopt;
    std::memcpy(&header, left.data(), sizeof header);
    left = left.subspan(sizeof header);
    if (header.size > left.size() - kHashBytes) return std::nullopt;
    const auto bytes = left.first(static_cast<std::size_t>(header.size));
    records.push_back({header.kind, Bytes(bytes.begin(), bytes.end())});
    left = left.subspan(bytes.size() + kHashBytes);
  }
  // The end record is made anew.
  if (!records.empty()) records.pop_back();
  return records;
}

Bytes write_records(std::span<const SnapshotRecord> records) {
  const snapshot::HeaderBytes header = snapshot::Header().encode();
  Bytes file(header.begin(), header.end());
  std::uint32_t number = 0;
  for (const SnapshotRecord& record : records) append_record(file, record.kind, number++, record.bytes);
  // The digest covers the header of the record that contains it.
  const RecordHeader end = {static_cast<std::uint32_t>(snapshot::RecordKind::kEnd), number, sizeof(io::Digest)};
  io::Sha256 sha;
  sha.add(file);
  sha.add(std::as_bytes(std::span(&end, 1)));
  append_record(file, end.kind, number, sha.finish());
  return file;
}

test::TinyModelSpec snapshot_model() {
  test::TinyModelSpec spec;
  spec.embedding = 32;
  spec.layers = 2;
  spec.heads = 2;
  spec.kv_heads = 1;
  spec.feed_forward = 32;
  spec.context = 1024;
  return spec;
}

std::vector<SnapshotSeed> snapshot_seeds() {
  const auto session = [](const char* kv, const char* policy) {
    SessionOptions options{.kv = {.key = kv}, .threads = 1, .batch_tokens = 64};
    if (policy != nullptr) {
      options.eviction.policy = policy;
      options.eviction.budget_tokens = 128;
      options.eviction.recent = 32;
      options.eviction.interval = 64;
    }
    return options;
  };
  return {
      {"empty", session("f16", nullptr), 0},           {"f16", session("f16", nullptr), 10},
      {"int4", session("int4", nullptr), 75},          {"int2-long", session("int2", nullptr), 330},
      {"int4-h2o", session("int4", "h2o"), 200},       {"f16-window", session("f16", "window"), 200},
      {"int8-snapkv", session("int8", "snapkv"), 150}, {"int3-expected", session("int3", "expected-attention"), 200}};
}

}  // namespace pith::fuzz
