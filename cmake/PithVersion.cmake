# PITH_HEADER_VERSION as include/pith/version.h states it, which is the only place that does, and PITH_COMMIT, empty
# where it is not known.
set(pith_version_header ${CMAKE_CURRENT_LIST_DIR}/../include/pith/version.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pith_version_header})
file(STRINGS ${pith_version_header} pith_version_lines REGEX "^#define PITH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+$")
list(TRANSFORM pith_version_lines REPLACE "^.* " "")
list(JOIN pith_version_lines "." PITH_HEADER_VERSION)

set(PITH_COMMIT "" CACHE STRING "The commit that --version names; empty: asked of git when the project is configured")
if(NOT PITH_COMMIT)
  execute_process(COMMAND git -C ${CMAKE_CURRENT_LIST_DIR} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE PITH_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
