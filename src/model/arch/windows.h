#pragma once

#include <cstddef>
#include <cstdint>

#include "gguf/file.h"
#include "model/keys.h"
#include "model/spec.h"

namespace pith::model {

/// Gives the layers that have a window the file's (attention.sliding_window) and the RoPE of number `rope`; does
/// nothing where the file states no window or 0. Which layers those are a file states by layer, or as a period n
/// (attention.sliding_window_pattern; otherwise `period`): every n-th layer has none (0: every layer has one). Throws
/// Error(kFormat) for a list of another length than the layers', or of other numbers than 0 and 1.
void add_windows(const gguf::File& file, const Keys& keys, std::uint64_t period, std::size_t rope, ModelSpec& spec);

/// Returns whether the file states a window.
bool has_windows(const gguf::File& file, const Keys& keys);

/// Returns the number of a RoPE that rotates nothing, which is added to the spec.
std::size_t add_no_rope(ModelSpec& spec);

/// Gives such a RoPE to every layer.
void without_rope(ModelSpec& spec);

}  // namespace pith::model
