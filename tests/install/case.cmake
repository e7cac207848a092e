# cmake -P script of the tests of the installed package: runs cases/CASE.cmake. The variables come from CMakeLists.txt.
set(prefix ${WORK_DIR}/prefix)
set(case_dir ${WORK_DIR}/${CASE})
set(projects ${CMAKE_CURRENT_LIST_DIR}/projects)
set(warnings "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror")
set(sanitize "")
if(SANITIZE)
  set(sanitize -fsanitize=${SANITIZE})
endif()

# Runs a command, which must succeed; what it printed is in `output`.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${what} failed (${result}):\n${command}\n${output}")
  endif()
  message(STATUS "${what}: passed")
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect text)
  string(FIND "${output}" "${text}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "\"${text}\" is not in\n${output}")
  endif()
endfunction()

# Configures a project against the prefix.
macro(configure project)
  run("configuring ${project}" ${CMAKE_COMMAND} -S ${projects}/${project} -B ${case_dir} -G ${GENERATOR}
    -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
    "-D CMAKE_CXX_FLAGS=${warnings} ${sanitize} ${flags}" ${ARGN})
endmacro()

# Builds it and runs its program, which finds that a model is missing.
macro(build_and_run)
  run("building" ${CMAKE_COMMAND} --build ${case_dir})
  run("running" ${case_dir}/app ${WORK_DIR}/no-such-model.gguf)
endmacro()

set(flags "")
file(REMOVE_RECURSE ${case_dir})
file(MAKE_DIRECTORY ${case_dir})
include(${CMAKE_CURRENT_LIST_DIR}/cases/${CASE}.cmake)
