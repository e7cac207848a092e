# cmake -P script of PithCommit.cmake. Leaves a header that is right already untouched.
if(NOT COMMIT)
  # Empty only in the topmost folder of a clone: sources that lie in another project's clone do not have its commit.
  execute_process(COMMAND git -C ${REPOSITORY} rev-parse --show-prefix
    OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result ERROR_QUIET)
  if(result EQUAL 0 AND prefix STREQUAL "")
    execute_process(COMMAND git -C ${REPOSITORY} describe --always --dirty --abbrev=12 --exclude=*
      OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
set(text "#define PITH_COMMIT \"${COMMIT}\"\n")
set(before "")
if(EXISTS ${HEADER})
  file(READ ${HEADER} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${HEADER} "${text}")
endif()
