#pragma once

#include <pith/quantize.h>

#include "io/file_ops.h"

namespace pith::quantize {

/// quantize_file() with the system calls that write.
QuantizeReport quantize_with(const std::filesystem::path& input, const std::filesystem::path& output,
                             const QuantizeOptions& options, const io::FileOps& ops);

}  // namespace pith::quantize
