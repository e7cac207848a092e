#include "distributed/checksum.h"

#include <xxhash.h>

namespace pith::distributed {

std::uint64_t checksum(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace pith::distributed
