#pragma once

#include <string_view>

#include "gguf/tensor_type.h"

namespace pith::quantize {

/// Returns whether two names are equal apart from upper and lower case.
bool same_name(std::string_view a, std::string_view b) noexcept;

/// Returns the tensor type of a name such as "Q6_K". `what` names the option in errors. Throws Error(kInvalidArgument)
/// if there is none or pith does not quantize to it.
gguf::TensorType find_type(std::string_view name, std::string_view what);

}  // namespace pith::quantize
