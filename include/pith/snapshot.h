#pragma once

#include <pith/codec.h>
#include <pith/eviction.h>
#include <pith/export.h>
#include <pith/options.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace pith::inline v0_1 {

/// How Session::save() and Session::restore() work with a file (docs/formats/snapshot.md).
struct SnapshotOptions {
  /// 32 bytes, which outlive the call: the file is encrypted and authenticated with them (AES-256-GCM), and refused if
  /// it is not. Nothing of them is written. Empty: no encryption; then hashes find damage, but nobody's intent.
  std::span<const std::byte> key{};
  /// Of a restored session, as in SessionOptions.
  int threads = 0;
  std::shared_ptr<const WorkerPool> workers{};
  /// Of a restored session: KvOptions::page_checksums.
  bool page_checksums = false;
  /// Where a restored session finds codecs, policies, allocators and selectors of your own, by the names they had.
  std::shared_ptr<const CodecRegistry> codecs{};
  std::shared_ptr<const EvictionRegistry> eviction{};
};

/// What a snapshot says of itself. Of an encrypted one without its key only `version`, `encrypted` and `file_bytes`.
struct SnapshotInfo {
  int version = 0;
  bool encrypted = false;
  std::uint64_t file_bytes = 0;
  /// Of the model it belongs to, as ModelInfo has them.
  std::string model_name{};
  std::string architecture{};
  std::string weight_type{};
  /// SHA-256 in hexadecimal: of the model with its arithmetic, of how positions turn vectors and what layers see, of
  /// the codecs, of the eviction's options.
  std::string model_fingerprint{};
  std::string position_fingerprint{};
  std::string codec_fingerprint{};
  std::string policy_fingerprint{};
  /// Without threads and registries, which are not part of it.
  SessionOptions options{};
  SamplingOptions sampling{};
  int tokens = 0;
  /// Whether Session::compact() evicted anything.
  bool compacted = false;
};

/// Reads the beginning of a snapshot; what comes after may be damaged all the same (verify_snapshot()). Throws Error as
/// Session::restore() does, but for what needs a model. Of `options` the key is read.
PITH_EXPORT SnapshotInfo snapshot_info(const std::filesystem::path& path, const SnapshotOptions& options = {});

/// Reads all of a snapshot and compares every hash, which needs no model. Throws Error with the reason if anything is
/// not what was written: as Session::restore() does. Of `options` the key is read.
PITH_EXPORT void verify_snapshot(const std::filesystem::path& path, const SnapshotOptions& options = {});

}  // namespace pith::inline v0_1
