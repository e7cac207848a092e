#pragma once

#include <mpi.h>
#include <pith/export.h>
#include <pith/model.h>
#include <pith/ranks.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace pith::inline v0_1 {

struct ClusterOptions {
  /// For how long a rank may be silent while the others wait for it. It must leave time for the slowest to load its
  /// model and to compute a layer of a pass.
  std::chrono::milliseconds deadline = std::chrono::minutes(2);
};

/// Processes that MPI started, as ranks that hold the KV caches of their sessions together (Ranks). Part of
/// pith::distributed, which is built where MPI is found; pith/pith.h does not include this header. Copies are the same
/// cluster. Call MPI from the thread that feeds sessions only, or initialize it with MPI_THREAD_MULTIPLE.
///
///     pith::Cluster cluster = pith::Cluster::world();
///     pith::Model model = cluster.load("model.gguf");
///     pith::Session session(model);  // as everywhere
class Cluster {
 public:
  /// All processes that mpirun started. Initializes MPI if nobody has; then the last copy of the cluster, its ranks and
  /// their models finalizes it. Throws Error(kPeer) if MPI cannot be initialized.
  static Cluster world(const ClusterOptions& options = {});
  /// Those of a communicator, which is duplicated, so that messages of yours and of pith do not meet. All of its
  /// processes make the call.
  explicit Cluster(MPI_Comm communicator, const ClusterOptions& options = {});

  int rank() const { return static_cast<int>(ranks_->rank()); }
  int size() const { return static_cast<int>(ranks_->count()); }
  /// For ModelOptions::ranks.
  const std::shared_ptr<Ranks>& ranks() const { return ranks_; }
  /// Model::load() with these ranks.
  Model load(const std::filesystem::path& path, ModelOptions options = {}) const;
  /// Has MPI end all processes of the cluster, this one included, with an exit status. For a process that cannot go on:
  /// the others would wait for it until the deadline. Returns only if MPI cannot.
  void end_all(int status) const;

 private:
  std::shared_ptr<Ranks> ranks_;
};

}  // namespace pith::inline v0_1
