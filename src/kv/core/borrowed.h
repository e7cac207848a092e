#pragma once

#include <cstddef>
#include <memory>

namespace pith::kv {

class Cache;

/// Another cache, all of whose tokens queries see between two tokens of this one. Its pages are read where they are, in
/// the forms and the basis that they have there.
struct Borrowed {
  std::shared_ptr<const Cache> cache;
  /// Of the first own token after it, at the beginning of a page: tokens of one page move alike (kv/read/shifts.h).
  std::size_t position = 0;
};

}  // namespace pith::kv
