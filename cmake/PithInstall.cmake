# `cmake --install`, in three components, each a package of Debian (cmake/PithPackage.cmake): `runtime` is the shared
# library, `dev` is for who compiles against pith, `command` is the command with its manual.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(pith_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pith)

function(pith_install_kind target set)
  install(TARGETS ${target} EXPORT ${set}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
  install(EXPORT ${set} NAMESPACE pith:: DESTINATION ${pith_package_dir} COMPONENT dev)
endfunction()

if(PITH_STATIC)
  pith_install_kind(pith_static pithStaticTargets)
endif()
if(PITH_SHARED)
  pith_install_kind(pith_shared pithSharedTargets)
endif()
if(PITH_HAS_MPI)
  pith_install_kind(pith_distributed pithDistributedTargets)
endif()
if(PITH_COMMAND)
  pith_install_kind(pith_command pithCommandTargets)
  install(TARGETS pith_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
  include(PithManual)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/pith DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
  FILES_MATCHING PATTERN "*.h" PATTERN "cluster.h" EXCLUDE)
if(PITH_HAS_MPI)
  install(FILES ${PROJECT_SOURCE_DIR}/include/pith/cluster.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pith COMPONENT dev)
endif()

set(pith_default_kind static)
if(BUILD_SHARED_LIBS)
  set(pith_default_kind shared)
endif()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/pithConfig.cmake.in ${PROJECT_BINARY_DIR}/pithConfig.cmake
  INSTALL_DESTINATION ${pith_package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pithConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pithConfig.cmake ${PROJECT_BINARY_DIR}/pithConfigVersion.cmake
  DESTINATION ${pith_package_dir} COMPONENT dev)

# Without a shared library every program links the static one's dependencies.
set(pith_pc_dependencies "-lspdlog -lfmt -lpcre2-8 -lutf8proc -lxxhash -lcrypto -pthread")
if(PITH_SHARED)
  set(pith_pc_libs "")
  set(pith_pc_libs_private " ${pith_pc_dependencies}")
  set(pith_pc_cflags " -DPITH_SHARED=1")
else()
  set(pith_pc_libs " ${pith_pc_dependencies}")
  set(pith_pc_libs_private "")
  set(pith_pc_cflags "")
endif()
# The prefix is wherever the file is, so that it can be moved.
file(RELATIVE_PATH pith_pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/pith.pc.in ${PROJECT_BINARY_DIR}/pith.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pith.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

set(pith_doc_dir ${CMAKE_INSTALL_DATAROOTDIR}/doc/libpith-dev)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/SECURITY.md ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION ${pith_doc_dir} COMPONENT dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${pith_doc_dir} COMPONENT dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${pith_doc_dir} COMPONENT dev FILES_MATCHING PATTERN "*.cpp")
