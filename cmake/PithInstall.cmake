# `cmake --install`: the library, its public headers, the command, and a package that find_package(pith) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(pith_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pith)

install(TARGETS pith pith_command EXPORT pithTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/pith DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT pithTargets NAMESPACE pith:: DESTINATION ${pith_package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET pith_tool)
  install(TARGETS pith_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/pithConfig.cmake.in ${PROJECT_BINARY_DIR}/pithConfig.cmake
  INSTALL_DESTINATION ${pith_package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pithConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pithConfig.cmake ${PROJECT_BINARY_DIR}/pithConfigVersion.cmake
  DESTINATION ${pith_package_dir})
