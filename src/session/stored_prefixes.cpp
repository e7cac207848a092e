#include "session/stored_prefixes.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/memory.h"
#include "kv/store/segment.h"
#include "kv/store/snapshot.h"
#include "model/model_impl.h"
#include "snapshot/cipher.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"

namespace pith {
namespace {

using io::Digest;
using kv::kPageTokens;
using kv::kSegmentPages;
using snapshot::RecordKind;

constexpr const char* kEnding = ".prefix";
/// As io::AtomicFile names files that are not finished.
constexpr const char* kTemporary = ".pith-snapshot-";
constexpr std::uint64_t kLeastBytes = std::uint64_t{1} << 20U;
constexpr std::size_t kSegmentTokens = kSegmentPages * kPageTokens;
constexpr std::size_t kNameDigits = 40;

std::string state_name(const Digest& digest) { return "state-" + io::to_hex(digest).substr(0, kNameDigits); }
std::string segment_name(const Digest& digest) { return "pages-" + io::to_hex(digest).substr(0, kNameDigits); }

/// The digest of the last token of a segment.
const Digest& end_of_segment(std::span<const Digest> chain, std::size_t segment) {
  return chain[(segment + 1) * kSegmentPages - 1];
}

/// At least what a file takes beyond its pages: headers, hashes and tags of records and chunks, tables of heads.
std::uint64_t bytes_beside_pages(const kv::Cache& cache, std::uint64_t page_bytes) {
  return cache.table_bytes() + 8 * cache.tokens() + page_bytes / 64 + (std::uint64_t{1} << 16U);
}

const PrefixStoreOptions& checked(const PrefixStoreOptions& options) {
  if (options.bytes_max < kLeastBytes) {
    fail(ErrorKind::kInvalidArgument, "a prefix store may hold {} bytes, must be at least {}", options.bytes_max,
         kLeastBytes);
  }
  if (!options.key.empty() && options.key.size() != snapshot::kKeyBytes) {
    fail(ErrorKind::kInvalidArgument, "the key of a prefix store has {} bytes, must have {}", options.key.size(),
         snapshot::kKeyBytes);
  }
  if (options.folder.empty()) fail(ErrorKind::kInvalidArgument, "a prefix store needs a folder, and none is named");
  return options;
}

}  // namespace

PrefixStore::Impl::Impl(const PrefixStoreOptions& options)
    : key(checked(options).key), folder(options.folder, kEnding, kTemporary, options.bytes_max) {}

namespace session {

std::vector<Digest> StoredPrefixes::chain(const kv::Cache& cache, std::span<const Token> tokens) const {
  const model::Fingerprint& model = model_->impl()->fingerprint();
  const Digest codecs = kv::codec_fingerprint(cache);
  io::Sha256 begin;
  for (const Digest* digest : {&model.model, &model.positions, &codecs}) begin.add(*digest);
  Digest last = begin.finish();
  std::vector<Digest> chain;
  for (std::size_t at = 0; at + kPageTokens <= tokens.size(); at += kPageTokens) {
    io::Sha256 page;
    page.add(last);
    page.add(std::as_bytes(tokens.subspan(at, kPageTokens)));
    last = page.finish();
    chain.push_back(last);
  }
  return chain;
}

std::optional<StoredPrefixes::Found> StoredPrefixes::find(const kv::Cache& shape, std::span<const Token> tokens,
                                                          std::size_t least) const {
  if (!on() || tokens.size() < kPageTokens) return std::nullopt;
  try {
    const auto names = store().folder.names();
    // The fingerprint of a model reads all its weights.
    if (names.empty()) return std::nullopt;
    const std::vector<Digest> digests = chain(shape, tokens);
    for (std::size_t pages = digests.size(); pages * kPageTokens > least; --pages) {
      const std::string name = state_name(digests[pages - 1]);
      if (!names.contains(name)) continue;
      try {
        Found found = read(shape, tokens.first(pages * kPageTokens), std::span(digests).first(pages));
        ++store().found;
        store().tokens_reused += found.tokens;
        return found;
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::kOutOfMemory) throw;
        ++store().refused;
        model_->impl()->log().warn("a stored prefix is passed over: {}", error.what());
        // Of no use to anybody, unless it is somebody's with another key.
        if (error.kind() == ErrorKind::kFormat) store().folder.remove(name);
      }
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIo) throw;
    model_->impl()->log().warn("stored prefixes cannot be read: {}", error.what());
  }
  return std::nullopt;
}

StoredPrefixes::Found StoredPrefixes::read(const kv::Cache& shape, std::span<const Token> tokens,
                                           std::span<const Digest> chain) const {
  const io::BoundedFolder& folder = store().folder;
  const std::string name = state_name(chain.back());
  snapshot::Reader reader(folder.path_of(name), store().key);
  io::FieldReader fields = reader.fields(RecordKind::kTokens);
  const auto stored = fields.get_array<Token>("tokens");
  if (!std::equal(tokens.begin(), tokens.end(), stored.begin(), stored.end())) fields.refuse("its tokens are others");
  const auto count = fields.get<std::uint64_t>("segments", 0, tokens.size() / kSegmentTokens);
  fields.end();
  std::vector<kv::Segment> segments;
  segments.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string segment = segment_name(end_of_segment(chain, i));
    try {
      snapshot::Reader pages(folder.path_of(segment), store().key);
      segments.push_back(kv::read_segment(shape, pages));
      pages.end();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kFormat) folder.remove(segment);
      throw;
    }
    folder.touch(segment);
  }
  Found found{kv::Cache(shape.options(), shape.kernels()), tokens.size()};
  kv::restore(found.cache, reader, segments);
  reader.end();
  if (found.cache.tokens() != tokens.size()) fields.refuse("its cache has another number of tokens");
  folder.touch(name);
  return found;
}

void StoredPrefixes::add(const kv::Cache& cache, std::span<const Token> tokens) const {
  try {
    write(cache, tokens);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIo) throw;
    model_->impl()->log().warn("a prefix of {} tokens could not be stored: {}", tokens.size(), error.what());
  }
}

void StoredPrefixes::write(const kv::Cache& cache, std::span<const Token> tokens) const {
  const PrefixStore::Impl& store = this->store();
  const std::vector<Digest> digests = chain(cache, tokens);
  const auto names = store.folder.names();
  const std::string name = state_name(digests.back());
  const std::size_t segments = kv::complete_segments(cache);
  std::uint64_t apart = 0;
  for (std::size_t i = 0; i < segments; ++i) {
    const std::string segment = segment_name(end_of_segment(digests, i));
    const std::uint64_t pages = kv::segment_bytes(cache, i);
    apart += pages;
    if (names.contains(segment)) {
      store.folder.touch(segment);
      continue;
    }
    const bool fits = store.folder.add(pages + bytes_beside_pages(cache, pages), [&] {
      snapshot::Writer writer(store.folder.path_of(segment), store.key, store.ops);
      kv::save_segment(cache, i, writer);
      writer.finish();
    });
    if (!fits) return;
  }
  if (names.contains(name)) return store.folder.touch(name);
  const std::uint64_t pages = cache.bytes().total() - apart;
  const bool fits = store.folder.add(pages + bytes_beside_pages(cache, pages), [&] {
    snapshot::Writer writer(store.folder.path_of(name), store.key, store.ops);
    io::FieldWriter fields;
    fields.put_array(tokens);
    io::put_count(fields, segments);
    writer.record(RecordKind::kTokens, fields.bytes());
    kv::save(cache, writer, segments);
    writer.finish();
  });
  if (fits) ++this->store().stored;
}

}  // namespace session

PrefixStore::PrefixStore(const PrefixStoreOptions& options)
    : impl_(with_memory_for("open a prefix store", [&] { return std::make_unique<Impl>(options); })) {}

PrefixStore::~PrefixStore() = default;

PrefixStoreStats PrefixStore::stats() const {
  return with_memory_for("list a prefix store", [&] {
    const io::BoundedFolder::Use use = impl_->folder.use();
    PrefixStoreStats stats;
    stats.files = use.files;
    stats.bytes = use.bytes;
    stats.found = impl_->found;
    stats.tokens_reused = impl_->tokens_reused;
    stats.stored = impl_->stored;
    stats.refused = impl_->refused;
    return stats;
  });
}

}  // namespace pith
