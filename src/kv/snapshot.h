#pragma once

#include "kv/cache.h"
#include "snapshot/digest.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"

namespace pith::kv {

/// Everything that a cache holds, pages as they are stored, as records of a snapshot (docs/formats/snapshot.md).
void save(const Cache& cache, snapshot::Writer& writer);

/// Fills a new cache of the same shape, codecs and observers, that has seen no token. Whatever the records say, the
/// cache is then one that tokens can be appended to and attended: what is not is refused with Error(kFormat), and the
/// cache is of no use any more.
void restore(Cache& cache, snapshot::Reader& reader);

/// Of what decides how bytes of a cache are read: shape, codecs by name, sizes of their pages, how they age.
snapshot::Digest codec_fingerprint(const Cache& cache);

}  // namespace pith::kv
