#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/arch/arch.h"

namespace pith::model {

// The sizes of a file's layers. All throw Error(kFormat), or Error(kUnsupported) for sizes that kernels cannot compute
// with.

/// The most heads, elements or rows that a file may state.
inline constexpr std::uint64_t kDimensionMax = 1U << 20;
/// Heads' keys and values have sizes that are a multiple of this, up to the other.
inline constexpr std::uint64_t kHeadMultiple = 16;
inline constexpr std::uint64_t kHeadSizeMax = 1024;

/// Returns a number that is the same for all layers, or for all that have what it counts; the first layer's where
/// layers may differ (Traits::uneven).
std::size_t read_count(const Keys& keys, const Traits& traits, std::string_view name, std::size_t blocks);
/// Reads the heads of queries, and of keys and values.
void read_heads(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t blocks,
                AttentionSpec& attention);
/// Gives each layer the heads and the size of feed-forward that the file states for it.
void read_by_layer(const gguf::File& file, const Keys& keys, std::size_t blocks, ModelSpec& spec);

/// Returns the size that heads have where the file states none for keys or values.
std::size_t usual_head_size(const gguf::File& file, const Keys& keys, std::size_t hidden_size, std::size_t heads);
/// Returns the elements of a head.
std::size_t read_head_size(const gguf::File& file, const Keys& keys, std::string_view name, std::size_t usual);

}  // namespace pith::model
