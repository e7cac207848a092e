#include <pith/manifest.h>

#include <algorithm>
#include <atomic>

#include "base/printable.h"
#include "manifest/digests.h"

namespace pith::inline v0_1 {
namespace {

/// Bytes to hash, and where their digest goes.
struct Job {
  std::span<const std::byte> bytes;
  std::string* digest;
};

/// Hashes the longest ones first, so that no thread waits for one of them at the end.
void hash_all(std::vector<Job> jobs, const ManifestOptions& options) {
  std::stable_sort(jobs.begin(), jobs.end(),
                   [](const Job& a, const Job& b) { return a.bytes.size() > b.bytes.size(); });
  std::uint64_t total = 0;
  for (const Job& job : jobs) total += job.bytes.size();
  std::atomic<std::uint64_t> done{0};
  ThreadPool pool(options.threads);
  pool.run(jobs.size(), [&](std::size_t i, std::size_t worker) {
    *jobs[i].digest = manifest::digest_of(jobs[i].bytes, [&](std::size_t bytes) {
      const std::uint64_t so_far = done += bytes;
      // Worker 0 is the caller's thread.
      if (worker == 0 && options.progress) {
        options.progress(static_cast<double>(so_far) / static_cast<double>(total));
      }
    });
  });
}

}  // namespace

Manifest make_manifest(const std::filesystem::path& model, const ManifestOptions& options) {
  const gguf::File file = gguf::File::open(model, gguf::File::Headers::kCopied);
  Manifest manifest;
  manifest.metadata = manifest::describe_metadata(file.metadata());
  for (std::size_t i = 0; i < file.parts(); ++i) {
    const std::filesystem::path name = std::filesystem::path(file.part_path(i)).filename();
    manifest.files.push_back({printable(name.string()), file.part_bytes(i).size(), ""});
  }
  for (const gguf::TensorInfo& tensor : file.tensors()) manifest.tensors.push_back(manifest::describe_tensor(tensor));
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < file.parts(); ++i) jobs.push_back({file.part_bytes(i), &manifest.files[i].sha256});
  for (std::size_t i = 0; i < manifest.tensors.size(); ++i)
    jobs.push_back({file.tensors()[i].data, &manifest.tensors[i].sha256});
  hash_all(std::move(jobs), options);
  file.check_read();
  return manifest;
}

}  // namespace pith::inline v0_1
