#include "model/same_on_ranks.h"

#include <fmt/format.h>
#include <pith/version.h>

#include <algorithm>
#include <string>

#include "base/fail.h"
#include "io/digest.h"
#include "kv/share/topic.h"

namespace pith::model {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

}  // namespace

void check_same(Ranks& ranks, std::span<const std::byte> mine, std::string_view otherwise) {
  const auto said = ranks.exchange(kv::topic(kv::Topic::kSame, 0, 0), mine);
  for (std::size_t rank = 0; rank < said.size(); ++rank) {
    if (std::ranges::equal(said[rank], said.front())) continue;
    fail(ErrorKind::kPeer, "rank {} {} than rank 0: all ranks must make the same calls", rank, otherwise);
  }
}

void check_same_model(Ranks& ranks, const Fingerprint& fingerprint) {
  const std::string mine = fmt::format("pith {}, model {:.16}, positions {:.16}", build_info().version,
                                       io::to_hex(fingerprint.model), io::to_hex(fingerprint.positions));
  const auto said = ranks.exchange(kv::topic(kv::Topic::kSame, 0, 1), std::as_bytes(std::span(mine)));
  for (std::size_t rank = 0; rank < said.size(); ++rank) {
    if (std::ranges::equal(said[rank], said.front())) continue;
    fail(ErrorKind::kPeer, "rank {} has another model or version: {}; rank 0 has {}", rank, text_of(said[rank]),
         text_of(said.front()));
  }
}

}  // namespace pith::model
