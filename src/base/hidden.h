#pragma once

/// For classes inside exported ones, which would be exported along with them. A macro, since clang-format 14 takes an
/// attribute there for the beginning of a variable.
#define PITH_HIDDEN __attribute__((visibility("hidden")))
