# `cpack` makes Debian packages of the three install components (scripts/package.sh): libpith0.1 holds the shared library,
# libpith-dev what programs are compiled with, pith the command. What they depend on is read from the binaries.
if(NOT PITH_SHARED OR NOT PITH_STATIC OR NOT PITH_COMMAND)
  return()
endif()

set(pith_soname ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(pith_release 1)
set(pith_debian ${PROJECT_SOURCE_DIR}/packaging/debian)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pith)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The pith authors <pith@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_COMPONENTS_ALL runtime dev command)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${pith_release})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/src)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libpith${pith_soname})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${pith_debian}/triggers)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "pith runs GGUF models on processors and keeps their KV cache compressed, with
codecs of 8 to 2 bits, eviction, forks and snapshots. This package has the
shared library, which programs that use pith need at run time.")

set(pith_same_version "${PROJECT_VERSION}-${pith_release}")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libpith-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
# The static library links these.
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libpith${pith_soname} (= ${pith_same_version}), libfmt-dev, libspdlog-dev, libpcre2-dev, libutf8proc-dev, libxxhash-dev, libssl-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION "pith runs GGUF models on processors and keeps their KV cache compressed, with
codecs of 8 to 2 bits, eviction, forks and snapshots. This package has its
headers, its static library, what CMake and pkg-config find it by, documents
and examples.")

set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME pith)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION misc)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMMAND_PACKAGE_DEPENDS "libpith${pith_soname} (= ${pith_same_version})")
set(CPACK_COMPONENT_COMMAND_DESCRIPTION "pith runs GGUF models on processors and keeps their KV cache compressed, with
codecs of 8 to 2 bits, eviction, forks and snapshots. This package has the
command, which generates, chats, measures and compares.")

# Each package has its own documents' folder.
find_program(PITH_GZIP gzip)
function(pith_debian_documents component package)
  set(changelog ${PROJECT_BINARY_DIR}/debian/${package}/changelog.Debian)
  configure_file(${pith_debian}/changelog ${changelog} COPYONLY)
  execute_process(COMMAND ${PITH_GZIP} -9 -n -f ${changelog} COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${changelog}.gz ${pith_debian}/copyright
    DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package} COMPONENT ${component})
endfunction()
pith_debian_documents(runtime libpith${pith_soname})
pith_debian_documents(dev libpith-dev)
pith_debian_documents(command pith)

include(CPack)
