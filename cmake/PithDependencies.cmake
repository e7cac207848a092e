# What the library is made with (docs/dependencies.md). Results of pkg-config have prefixes of pith's own: a project that
# pith is a part of may use PCRE2 or CRYPTO for something else. cmake/pithConfig.cmake.in names the same ones.
find_package(Threads REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PITH_PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(PITH_UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
# Its flags are for building it as a DLL.
set_property(TARGET PkgConfig::PITH_UTF8PROC PROPERTY INTERFACE_COMPILE_OPTIONS)
pkg_check_modules(PITH_XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(PITH_CRYPTO REQUIRED IMPORTED_TARGET libcrypto)

# What whoever links the static library links as well; the others are headers only.
set(pith_dependencies fmt::fmt spdlog::spdlog PkgConfig::PITH_PCRE2 PkgConfig::PITH_UTF8PROC PkgConfig::PITH_XXHASH
  PkgConfig::PITH_CRYPTO)
