#include <pith/cluster.h>

#include <utility>

#include "distributed/mpi_ranks.h"

namespace pith::inline v0_1 {

Cluster Cluster::world(const ClusterOptions& options) { return Cluster(MPI_COMM_WORLD, options); }

Cluster::Cluster(MPI_Comm communicator, const ClusterOptions& options) {
  auto runtime = std::make_shared<distributed::MpiRuntime>();
  ranks_ = std::make_shared<distributed::MpiRanks>(std::move(runtime), communicator, options);
}

Model Cluster::load(const std::filesystem::path& path, ModelOptions options) const {
  options.ranks = ranks_;
  return Model::load(path, options);
}

void Cluster::end_all(int status) const {
  MPI_Abort(static_cast<const distributed::MpiRanks&>(*ranks_).communicator(), status);
}

}  // namespace pith::inline v0_1
