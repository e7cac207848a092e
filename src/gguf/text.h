#pragma once

#include "base/printable.h"

namespace pith::gguf {

/// What a file says, fit for a message.
using pith::printable;

}  // namespace pith::gguf
