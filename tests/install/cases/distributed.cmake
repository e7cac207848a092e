# A pith that was built without MPI has none.
if(NOT EXISTS ${prefix}/include/pith/cluster.h)
  message(STATUS "skipped: pith was built without MPI")
  return()
endif()
configure(distributed -D example=${PROJECT_DIR}/examples/cluster.cpp)
run("building" ${CMAKE_COMMAND} --build ${case_dir})
execute_process(COMMAND ${case_dir}/app ERROR_VARIABLE output RESULT_VARIABLE result)
expect("usage: mpirun -n RANKS")
