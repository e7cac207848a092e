# Whoever compiles without C++20 is told so, once, and nothing else: whichever header comes first, by every compiler.
set(sentence "pith needs C++20: compile with -std=c++20, or target_compile_features(... cxx_std_20)")
file(GLOB headers ${prefix}/include/pith/*.h)
# It takes MPI, and says so first.
list(FILTER headers EXCLUDE REGEX "/cluster[.]h$")
foreach(compiler ${CXX} ${CLANG})
  foreach(header ${headers})
    execute_process(COMMAND ${compiler} -std=c++17 -fsyntax-only -I ${prefix}/include -x c++ ${header}
      RESULT_VARIABLE result ERROR_VARIABLE output)
    if(result EQUAL 0)
      message(FATAL_ERROR "${compiler} compiles ${header} as C++17")
    endif()
    string(REGEX MATCHALL "[^\n]* error: [^\n]*" errors "${output}")
    list(GET errors 0 first)
    list(LENGTH errors count)
    string(FIND "${first}" "${sentence}" at)
    # The second one is the include at which it stops.
    if(at EQUAL -1 OR count GREATER 2)
      message(FATAL_ERROR "${compiler} says of ${header}:\n${output}")
    endif()
  endforeach()
endforeach()
