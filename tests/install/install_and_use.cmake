# cmake -P script of the install test; the variables come from CMakeLists.txt beside it.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${what} failed (${result}):\n${command}\n${output}")
  endif()
  message(STATUS "${what}: passed")
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
set(prefix ${WORK_DIR}/prefix)
set(flags "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror")
if(SANITIZE)
  string(APPEND flags " -fsanitize=${SANITIZE}")
endif()

run("installing" ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})
# Nothing in the installed package may point back to where pith was built.
file(GLOB_RECURSE package_files ${prefix}/*.cmake ${prefix}/*.h)
foreach(package_file ${package_files})
  file(READ ${package_file} content)
  string(REPLACE ${prefix} "" content "${content}")
  string(FIND "${content}" ${PROJECT_DIR} at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "${package_file} names ${PROJECT_DIR}")
  endif()
endforeach()

run("configuring the consumer" ${CMAKE_COMMAND} -S ${CONSUMER_DIR} -B ${WORK_DIR}/build -G ${GENERATOR}
  -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
  -D CMAKE_CXX_FLAGS=${flags} -D PITH_DOCUMENTS=${PROJECT_DIR}/README.md,${PROJECT_DIR}/docs/api.md)
run("building the consumer" ${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run("running the consumer" ${WORK_DIR}/build/consumer ${WORK_DIR}/no-such-model.gguf)
