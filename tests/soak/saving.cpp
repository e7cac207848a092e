#include <fstream>

#include "soak/broken.h"
#include "soak/worker.h"

// Actions that save and restore snapshots, and that pass damaged ones.
namespace pith::soak {
namespace {

bool reads_sparsely(const Script& script) { return script.options().kv.read_share < 1.0; }

}  // namespace

std::vector<std::byte> Worker::any_key() {
  std::vector<std::byte> key;
  if (dice_.one_in(2)) return key;
  for (int i = 0; i < 32; ++i) key.push_back(static_cast<std::byte>(dice_.below(256)));
  return key;
}

void Worker::save_and_restore(Live& live) {
  if (reads_sparsely(live.script)) {
    require_error(ErrorKind::kUnsupported, "save a sparse session", [&] { live.session.save(snapshot_); });
    ++counters_.refused;
    return;
  }
  const std::vector<std::byte> key = any_key();
  live.session.save(snapshot_, {.key = key});
  ++counters_.saved;
  const SnapshotInfo info = snapshot_info(snapshot_, {.key = key});
  require(info.tokens == live.script.size(), "a snapshot of {} tokens, saved {}", info.tokens, live.script.size());
  require(info.encrypted == !key.empty(), "encrypted: {}", info.encrypted);
  Live restored{live.subject, Session::restore(live.subject->model, snapshot_, {.key = key, .threads = 1}),
                live.script};
  ++counters_.restored;
  require_same_future(live, restored, "a restored session");
  if (dice_.one_in(2)) std::swap(live, restored);
}

void Worker::damage_snapshot(Live& live) {
  if (reads_sparsely(live.script)) return;
  const std::vector<std::byte> key = any_key();
  live.session.save(snapshot_, {.key = key});
  ++counters_.saved;
  const auto restore = [&](const Model& model, std::span<const std::byte> with) {
    Session::restore(model, snapshot_, {.key = with, .threads = 1});
  };
  for (const Subject& other : subjects_) {
    if (&other == live.subject) continue;
    require_error(ErrorKind::kInvalidArgument, "restore for another model", [&] { restore(other.model, key); });
  }
  const std::vector<std::byte> wrong(32, std::byte{1});
  require_error(ErrorKind::kInvalidArgument, "restore with a key that it has not",
                [&] { restore(live.subject->model, wrong); });
  if (!key.empty())
    require_error(ErrorKind::kInvalidArgument, "restore without the key", [&] { restore(live.subject->model, {}); });
  // Somewhere after the header.
  constexpr std::size_t kHeaderBytes = 72;
  const std::size_t size = std::filesystem::file_size(snapshot_);
  const std::size_t at = kHeaderBytes + dice_.below(size - kHeaderBytes);
  {
    std::fstream file(snapshot_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(static_cast<unsigned>(byte) ^ (1U << dice_.below(8))));
  }
  require_error(ErrorKind::kFormat, fmt::format("restore with byte {} of {} changed", at, size),
                [&] { restore(live.subject->model, key); });
  std::filesystem::resize_file(snapshot_, dice_.below(size));
  require_error(ErrorKind::kFormat, "restore what is cut off", [&] { restore(live.subject->model, key); });
  std::filesystem::remove(snapshot_);
  require_error(ErrorKind::kIo, "restore what is not there", [&] { restore(live.subject->model, key); });
  counters_.refused += 5;
}

void Worker::ask_for_the_impossible(Live& live) {
  const Model& model = live.subject->model;
  if (room(live) >= 2) {
    const Token tokens[] = {1, dice_.one_in(2) ? model.info().vocab : -1};
    require_error(ErrorKind::kInvalidArgument, "feed a token outside the vocabulary",
                  [&] { live.session.feed(tokens); });
  }
  if (!live.script.streams()) {
    const auto more = live.script.options().context - live.script.size() + 1;
    require_error(ErrorKind::kContextFull, "feed beyond the context",
                  [&] { live.session.feed(any_tokens(dice_, model, more)); });
  }
  if (live.script.size() == 0) {
    require_error(ErrorKind::kInvalidArgument, "logits of nothing", [&] { static_cast<void>(live.session.logits()); });
    require_error(ErrorKind::kInvalidArgument, "go on from nothing", [&] { live.session.generate(""); });
  }
  require_error(ErrorKind::kInvalidArgument, "a temperature below 0",
                [&] { live.session.set_sampling({.temperature = -1.0F}); });
  require_error(ErrorKind::kUnsupported, "a codec that is none", [&] { Session(model, {.kv = {.key = "int99"}}); });
  counters_.refused += 3;
}

}  // namespace pith::soak
