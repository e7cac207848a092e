# The libraries that are made of pith_objects: pith_static always (tests need internals; it is built by `all` only if
# PITH_STATIC), pith_shared if PITH_SHARED. pith::pith is the one that BUILD_SHARED_LIBS names.
function(pith_library target name)
  add_library(pith::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME pith EXPORT_NAME ${name} LINKER_LANGUAGE CXX)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
endfunction()

if(PITH_HAS_JINJA)
  set_source_files_properties(${PITH_JINJA_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
endif()
add_library(pith_static STATIC $<TARGET_OBJECTS:pith_objects> ${PITH_JINJA_OBJECT})
pith_library(pith_static static)
target_link_libraries(pith_static PUBLIC Threads::Threads PRIVATE ${pith_dependencies})
if(PITH_HAS_JINJA)
  add_dependencies(pith_static pith_jinja)
endif()
if(NOT PITH_STATIC)
  set_target_properties(pith_static PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

if(PITH_SHARED)
  add_library(pith_shared SHARED $<TARGET_OBJECTS:pith_objects> ${PITH_JINJA_OBJECT})
  pith_library(pith_shared shared)
  if(PITH_HAS_JINJA)
    add_dependencies(pith_shared pith_jinja)
  endif()
  target_compile_definitions(pith_shared INTERFACE PITH_SHARED=1)
  target_link_libraries(pith_shared PRIVATE Threads::Threads ${pith_dependencies})
  if(PITH_SANITIZE)
    target_link_libraries(pith_shared PRIVATE pith_flags)
  endif()
  # Before 1.0 a minor version may change the interface, so it is part of the name that programs ask the loader for.
  set_target_properties(pith_shared PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  # Compilers emit templates of the standard library as symbols of their own, and static dependencies bring theirs:
  # neither is exported.
  set(symbols ${PROJECT_BINARY_DIR}/pith.symbols)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/pith.symbols.in ${symbols} @ONLY)
  set_property(TARGET pith_shared APPEND PROPERTY LINK_DEPENDS ${symbols})
  target_link_options(pith_shared PRIVATE LINKER:--version-script=${symbols} LINKER:--exclude-libs,ALL
    LINKER:--as-needed)
endif()

if(BUILD_SHARED_LIBS)
  add_library(pith::pith ALIAS pith_shared)
else()
  add_library(pith::pith ALIAS pith_static)
endif()
