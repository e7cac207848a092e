# Flags every target of the project is built with: the interface library pith_flags.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# What a project says that has pith as a part of it is left alone.
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
  endif()
  find_program(CCACHE_PROGRAM ccache)
  if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  endif()
endif()

add_library(pith_flags INTERFACE)
target_compile_options(pith_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  # A product and a sum are fused only where the source says so: results must not depend on the compiler's mood.
  -ffp-contract=off)
# GCC 12 sees overlapping copies in std::string's own operator+ (its bug 105329).
target_compile_options(pith_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# What bugprone-reserved-identifier finds and more, and costs nothing; that check takes a tenth of clang-tidy's time.
target_compile_options(pith_flags INTERFACE
  $<$<CXX_COMPILER_ID:Clang>:-Wreserved-identifier;-Wreserved-macro-identifier>)
if(PITH_WERROR)
  target_compile_options(pith_flags INTERFACE -Werror)
endif()
if(PITH_SANITIZE)
  # Lines are enough for stack traces (-g1), and whole debug information takes long to write. What sanitizers add takes
  # a third longer to compile with -O2, and only the kernels run longer without (src/CMakeLists.txt). The tests' own code
  # takes twice as long to compile with -O1, and runs but shortly.
  target_compile_options(pith_flags INTERFACE -fsanitize=${PITH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    -g1 $<IF:$<BOOL:$<TARGET_PROPERTY:PITH_TEST_CODE>>,-O0,-O1>)
  target_link_options(pith_flags INTERFACE -fsanitize=${PITH_SANITIZE})
endif()
