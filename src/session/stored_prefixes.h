#pragma once

#include <pith/model.h>
#include <pith/prefix_store.h>
#include <pith/token.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/hidden.h"
#include "io/bounded_folder.h"
#include "io/digest.h"
#include "io/file_ops.h"
#include "kv/core/cache.h"

namespace pith {

/// The folder and its counters.
class PITH_HIDDEN PrefixStore::Impl {
 public:
  explicit Impl(const PrefixStoreOptions& options);

  /// Loses what a power failure may take: files say by their hashes whether they are whole.
  class Ops : public io::FileOps {
   public:
    int sync(int) const override { return 0; }
    int sync_folder(const char*) const override { return 0; }
  };

  std::vector<std::byte> key;
  Ops ops;
  io::BoundedFolder folder;
  std::atomic<std::uint64_t> found{0}, tokens_reused{0}, stored{0}, refused{0};
};

namespace session {

/// What the sessions of one model with the same KV options find in a store and put there. Files are named by a hash of
/// model, codecs and all tokens up to their end: a segment (kv/store/segment.h) has the old pages of 1,024 tokens, a
/// state all else that a cache of so many pages holds. Copies share the store.
class StoredPrefixes {
 public:
  /// Off.
  StoredPrefixes() = default;
  StoredPrefixes(std::shared_ptr<PrefixStore> store, Model model)
      : store_(std::move(store)), model_(std::move(model)) {}

  bool on() const { return store_ != nullptr; }

  struct Found {
    kv::Cache cache;
    std::size_t tokens;
  };
  /// Returns the longest beginning of `tokens` that is stored and longer than `least`, as a cache like `shape`.
  std::optional<Found> find(const kv::Cache& shape, std::span<const Token> tokens, std::size_t least) const;
  /// Stores a cache that holds these tokens, a whole number of pages. What fails is logged: it costs computing, no
  /// more.
  void add(const kv::Cache& cache, std::span<const Token> tokens) const;

 private:
  PrefixStore::Impl& store() const { return *store_->impl_; }
  /// Returns one digest by page.
  std::vector<io::Digest> chain(const kv::Cache& cache, std::span<const Token> tokens) const;
  Found read(const kv::Cache& shape, std::span<const Token> tokens, std::span<const io::Digest> chain) const;
  void write(const kv::Cache& cache, std::span<const Token> tokens) const;

  std::shared_ptr<PrefixStore> store_;
  std::optional<Model> model_;
};

}  // namespace session
}  // namespace pith
