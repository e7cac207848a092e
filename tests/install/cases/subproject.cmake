# As a part of another project, by add_subdirectory() and by FetchContent: it is configured without what only the command
# needs, the project stays what it was, and its own file is compiled as the project says. The library is not built
# again.
function(try how)
  set(case_dir ${case_dir}/${how})
  run("configuring by ${how}" ${CMAKE_COMMAND} -S ${projects}/subproject -B ${case_dir} -G Ninja
    -D HOW=${how} -D PITH_SOURCE=${PROJECT_DIR} -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_DISABLE_FIND_PACKAGE_CLI11=ON
    -D PITH_JINJA=OFF)
  run("compiling the project's file" ${CMAKE_COMMAND} --build ${case_dir}
    --target CMakeFiles/app.dir/main.cpp.o)
  file(READ ${case_dir}/compile_commands.json commands)
  string(REGEX MATCH "[^\n]*-c [^\n]*/subproject/main\\.cpp\"" command "${commands}")
  if(NOT command OR command MATCHES "NDEBUG|-O[1-3]|ccache")
    message(FATAL_ERROR "the project's file was compiled with\n${command}")
  endif()
  file(STRINGS ${case_dir}/CMakeCache.txt build_type REGEX "^CMAKE_BUILD_TYPE:[A-Z]+=.")
  if(build_type)
    message(FATAL_ERROR "the project's build type became ${build_type}")
  endif()
endfunction()
try(subdirectory)
try(fetch)
