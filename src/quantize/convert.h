#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "base/thread_pool.h"
#include "gguf/file.h"
#include "quantize/plan.h"

namespace pith::quantize {

/// Takes the next bytes of a tensor's data; they are valid during the call.
using ByteSink = std::function<void(std::span<const std::byte> bytes)>;

/// Gives a tensor's data in its new type to `sink`, piece by piece, and returns the memory of what was read to the
/// system. Calls done() from the calling thread after each piece, with the number of bytes of the file that it was made
/// from. Throws Error: kFormat naming file, tensor, row and column of a weight that is not finite, kUnsupported
/// likewise if one is too large for the type, kIo if the file cannot be read, and what sink() and done() throw.
void convert_tensor(const gguf::File& file, const PlannedTensor& planned, ThreadPool& pool, const ByteSink& sink,
                    const std::function<void(std::size_t bytes)>& done);

}  // namespace pith::quantize
