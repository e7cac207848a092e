#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "gguf/tensor_type.h"

namespace pith::test {

/// The generator behind every random model; gives the same numbers on every machine.
using Random = std::mt19937_64;

/// Returns `count` normal values of mean 0 and the given standard deviation.
std::vector<float> random_normal(Random& random, std::size_t count, float deviation);

/// Returns random weights [rows, columns] of a type, about normal with mean 0 and the given standard deviation. Types
/// F32 to Q8_0 and MXFP4 round normal values; the others get random codes under suitable scales. Throws
/// std::invalid_argument if `columns` is not a multiple of the block size.
std::vector<std::byte> random_weights(Random& random, gguf::TensorType type, std::size_t rows, std::size_t columns,
                                      float deviation);

}  // namespace pith::test
