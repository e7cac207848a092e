# pith_follow_commit(TARGET FILE REPOSITORY): FILE, a source of TARGET in this folder, may include "pith_commit.h", which
# defines PITH_COMMIT: the cache variable of this name, or what git says of REPOSITORY. git is asked at each build, and
# FILE is compiled again only if the answer has changed. The answer is empty outside of a clone.
function(pith_follow_commit target file repository)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/commit)
  set(arguments -D HEADER=${folder}/pith_commit.h -D REPOSITORY=${repository} -D "COMMIT=${PITH_COMMIT}"
    -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/PithWriteCommit.cmake)
  # Once now, for tools that read sources before the first build.
  execute_process(COMMAND ${CMAKE_COMMAND} ${arguments} COMMAND_ERROR_IS_FATAL ANY)
  add_custom_target(${target}_commit COMMAND ${CMAKE_COMMAND} ${arguments} BYPRODUCTS ${folder}/pith_commit.h
    COMMENT "" VERBATIM)
  add_dependencies(${target} ${target}_commit)
  set_property(SOURCE ${file} APPEND PROPERTY INCLUDE_DIRECTORIES ${folder})
endfunction()
