#pragma once

// Every public header includes this one first, so that a compiler of another language says what is wrong and nothing
// else: it stops at the include, which finds no file.
#if !defined(__cplusplus) || __cplusplus < 202002L
#error "pith needs C++20: compile with -std=c++20, or target_compile_features(... cxx_std_20)"
#include <pith_needs_a_newer_standard>
#endif

/// What a program may link against. The library is compiled with hidden symbols; those with this mark are exported by
/// the shared library. PITH_SHARED is defined by whatever brings the shared library to a program (pith::pith, pith.pc):
/// there the mark keeps exceptions and types one and the same on both sides, also in a program whose own symbols are
/// hidden. Next to the static archive it says nothing.
#if defined(PITH_SHARED) && defined(__GNUC__)
#define PITH_EXPORT __attribute__((visibility("default")))
#else
#define PITH_EXPORT
#endif
