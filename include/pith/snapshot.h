#pragma once

#include <pith/codec.h>
#include <pith/eviction.h>
#include <pith/export.h>
#include <pith/sampling.h>
#include <pith/session_options.h>
#include <pith/threads.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace pith::inline v0_1 {

/// Options of Session::save(), Session::restore() and the functions below (docs/formats/snapshot.md).
struct SnapshotOptions {
  /// The key, 32 bytes; they must stay valid during the call. With a key, the file is encrypted and authenticated
  /// (AES-256-GCM), and reading refuses a file that is not encrypted. The key is never written to the file. Empty: no
  /// encryption; hashes then detect damage, but not deliberate changes.
  std::span<const std::byte> key{};
  /// Threads of the restored session, as in SessionOptions.
  int threads = 0;
  /// Worker threads that the restored session shares, as in SessionOptions.
  std::shared_ptr<const WorkerPool> workers{};
  /// Whether the restored session keeps checksums of its pages (KvOptions::page_checksums).
  bool page_checksums = false;
  /// The budget that the restored session shares, as in SessionOptions.
  std::shared_ptr<KvBudget> kv_budget{};
  /// Your own codecs that the restored session needs, registered under the names that it was saved with.
  std::shared_ptr<const CodecRegistry> codecs{};
  /// Your own eviction policies, allocators and selectors that the restored session needs, likewise.
  std::shared_ptr<const EvictionRegistry> eviction{};
};

/// Metadata of a snapshot. If the file is encrypted and no key was given, only `version`, `encrypted` and `file_bytes`
/// are set.
struct SnapshotInfo {
  /// Version of the file format.
  int version = 0;
  bool encrypted = false;
  std::uint64_t file_bytes = 0;
  /// Name of the model that the session was on; this and the next two are as in ModelInfo.
  std::string model_name{};
  std::string architecture{};
  std::string weight_type{};
  /// SHA-256, in hexadecimal, of the model's weights and arithmetic.
  std::string model_fingerprint{};
  /// The same of how positions rotate keys and queries, and of each layer's window.
  std::string position_fingerprint{};
  /// The same of the KV codecs.
  std::string codec_fingerprint{};
  /// The same of the eviction options.
  std::string policy_fingerprint{};
  /// Options of the session, without threads and registries, which are not saved.
  SessionOptions options{};
  SamplingOptions sampling{};
  /// Number of tokens that the session holds.
  int tokens = 0;
  /// Whether Session::compact() has evicted tokens.
  bool compacted = false;
};

/// Returns the metadata of a snapshot. Reads and verifies only the beginning of the file; verify_snapshot() checks the
/// rest. Uses only the key of `options`. Throws Error as Session::restore() does, except for what needs a model.
PITH_EXPORT SnapshotInfo snapshot_info(const std::filesystem::path& path, const SnapshotOptions& options = {});

/// Reads the whole snapshot and compares every hash. Needs no model. Uses only the key of `options`. Throws Error as
/// Session::restore() does, naming what differs, if a byte is not what was written.
PITH_EXPORT void verify_snapshot(const std::filesystem::path& path, const SnapshotOptions& options = {});

}  // namespace pith::inline v0_1
