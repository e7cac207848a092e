# MPI, for pith::distributed (docs/distributed.md). Where it is not found, or for another machine than this one, pith is
# built without: mpicc, which CMake asks, is of this machine.
option(PITH_MPI "Build pith::distributed and the command's ranks, where MPI is found" ON)
set(PITH_HAS_MPI OFF)
if(PITH_MPI AND PITH_COMMAND AND NOT CMAKE_CROSSCOMPILING AND NOT PITH_SANITIZE)
  # Its C++ interface went with MPI 3.
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI QUIET COMPONENTS CXX)
  if(MPI_CXX_FOUND)
    set(PITH_HAS_MPI ON)
  else()
    message(STATUS "pith: MPI was not found, pith::distributed is not built")
  endif()
endif()
