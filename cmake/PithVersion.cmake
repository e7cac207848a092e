# PITH_HEADER_VERSION as include/pith/version.h states it, which is the only place that does.
set(pith_version_header ${CMAKE_CURRENT_LIST_DIR}/../include/pith/version.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${pith_version_header})
file(STRINGS ${pith_version_header} pith_version_lines REGEX "^#define PITH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+$")
list(TRANSFORM pith_version_lines REPLACE "^.* " "")
list(JOIN pith_version_lines "." PITH_HEADER_VERSION)
