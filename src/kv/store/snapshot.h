#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/digest.h"
#include "kv/core/cache.h"
#include "kv/store/segment.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"

namespace pith::kv {

/// Returns the version of the format that a cache is written in.
std::uint32_t version_for(const Cache& cache);

/// Writes everything that a cache holds, pages as they are stored, as records of a snapshot (docs/formats/snapshot.md)
/// of version_for(). Pages of the first `segments` segments are left out.
void save(const Cache& cache, snapshot::Writer& writer, std::size_t segments = 0);

/// Fills a new, empty cache of the same shape, codecs and observers. Throws Error(kFormat) for records that do not make
/// a cache to which tokens can be appended and attended; the cache must not be used then. `segments` are those that
/// were left out.
void restore(Cache& cache, snapshot::Reader& reader, std::span<const Segment> segments = {});

/// Returns a digest of what decides how a cache's bytes are read: shape, codecs by name, page sizes, how pages age.
io::Digest codec_fingerprint(const Cache& cache);

}  // namespace pith::kv
