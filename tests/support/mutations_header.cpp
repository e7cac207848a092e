#include <cstring>
#include <limits>
#include <string>

#include "support/mutations.h"

namespace pith::test {
namespace {

constexpr std::uint64_t kHostile[] = {0,
                                      1,
                                      2,
                                      1000,
                                      65537,
                                      0x7FFFFFFF,
                                      0xFFFFFFFF,
                                      std::uint64_t{1} << 32,
                                      std::uint64_t{1} << 59,
                                      std::uint64_t{1} << 61,
                                      std::uint64_t{1} << 63,
                                      std::numeric_limits<std::uint64_t>::max()};

void add_counts(const GgufWriter& writer, Mutations& to) {
  for (const std::uint64_t count : kHostile) {
    const std::string text = std::to_string(count);
    if (count != writer.tensors.size())
      to.push_back({"tensors stated = " + text, true, [=](GgufWriter& w) { w.stated_tensors = count; }});
    if (count != writer.keys.size())
      to.push_back({"keys stated = " + text, true, [=](GgufWriter& w) { w.stated_keys = count; }});
  }
}

void add_alignments(Mutations& to) {
  for (const std::uint32_t stated : {0U, 1U, 2U, 3U, 4U, 7U, 24U, 31U, 33U, 48U, 100U, 1U << 25, 1U << 31, ~0U}) {
    to.push_back({"general.alignment = " + std::to_string(stated), true,
                  [=](GgufWriter& w) { w.add("general.alignment", stated); }});
  }
  // An alignment that the data does not have.
  for (const std::uint32_t stated : {4096U, 1U << 24}) {
    to.push_back({"general.alignment = " + std::to_string(stated) + ", unlike the data", true,
                  [=](GgufWriter& w) { w.add("general.alignment", stated); }});
  }
  to.push_back({"general.alignment = 64", false, [](GgufWriter& w) { w.set_alignment(64); }});
  to.push_back(
      {"general.alignment = uint64", true, [](GgufWriter& w) { w.add("general.alignment", std::uint64_t{32}); }});
  to.push_back({"general.alignment = text", true, [](GgufWriter& w) { w.add("general.alignment", "32"); }});
}

void add_shards(const GgufWriter& writer, Mutations& to) {
  const auto set = [&](std::uint32_t no, std::uint32_t count, bool must_fail) {
    to.push_back({"split.no = " + std::to_string(no) + ", split.count = " + std::to_string(count), must_fail,
                  [=](GgufWriter& w) { w.add("split.no", no).add("split.count", count); }});
  };
  set(0, 0, false);
  set(0, 1, false);
  for (const std::uint32_t no : {1U, 5U, ~0U}) set(no, 1, true);
  // The other files do not exist, or the file's name is not that of a first shard.
  for (const std::uint32_t count : {2U, 3U, 99999U, 100000U, ~0U}) {
    for (const std::uint32_t no : {0U, 1U, count - 1, count, ~0U}) set(no, count, true);
  }
  to.push_back({"split.count alone", true, [](GgufWriter& w) { w.add("split.count", std::uint16_t{2}); }});
  to.push_back({"split.count = -1", true, [](GgufWriter& w) { w.add("split.count", std::int32_t{-1}); }});
  to.push_back({"split.count = text", true, [](GgufWriter& w) { w.add("split.count", "../2"); }});
  to.push_back({"split.no = float", true, [](GgufWriter& w) { w.add("split.no", 0.0F); }});
  for (const std::uint64_t count : kHostile) {
    to.push_back({"split.tensors.count = " + std::to_string(count), count != writer.tensors.size(),
                  [=](GgufWriter& w) { w.add("split.tensors.count", count); }});
  }
}

void add_cuts(const GgufWriter& writer, Mutations& to) {
  constexpr std::size_t kCuts = 60;
  const std::size_t header = writer.header().size();
  for (std::size_t i = 0; i < kCuts; ++i) {
    const std::size_t size = header * i / kCuts;
    to.push_back({"cut to " + std::to_string(size) + " bytes", true, {}, [=](Bytes& bytes) { bytes.resize(size); }});
  }
  const std::size_t whole = writer.bytes().size();
  for (std::size_t i = 1; i < 10; ++i) {
    const std::size_t size = header + (whole - header) * i / 10;
    to.push_back({"data cut to " + std::to_string(size) + " bytes", true, {}, [=](Bytes& b) { b.resize(size); }});
  }
  to.push_back({"a page too long", true, {}, [](Bytes& bytes) { bytes.resize(bytes.size() + 4096); }});
}

}  // namespace

void add_header_mutations(const GgufWriter& writer, Mutations& to) {
  for (const char* magic : {"GGML", "gguf", "FUGG", "\177ELF", "GGU", "", "GGUFGGUF"}) {
    to.push_back({std::string("magic = ") + magic, true, [=](GgufWriter& w) { w.magic = magic; }});
  }
  for (const std::uint32_t version : {0U, 1U, 2U, 4U, 100U, 0x03000000U, 0x02000000U, 0x80000003U, ~0U}) {
    to.push_back({"version = " + std::to_string(version), version != 2, [=](GgufWriter& w) { w.version = version; }});
  }
  add_counts(writer, to);
  add_alignments(to);
  add_shards(writer, to);
  add_cuts(writer, to);
}

Mutations all_mutations(const GgufWriter& writer) {
  Mutations mutations;
  add_header_mutations(writer, mutations);
  add_key_mutations(writer, mutations);
  add_tensor_mutations(writer, mutations);
  add_weight_mutations(writer, mutations);
  add_vocab_mutations(writer, mutations);
  return mutations;
}

}  // namespace pith::test
