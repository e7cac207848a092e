#pragma once

#include <pith/model.h>

#include <vector>

#include "model/spec.h"

namespace pith::model {

/// Returns every field of the spec under its path, in the order of the lists of fields (base/described.h). Enumerations
/// become their names.
std::vector<ModelProperty> specification(const ModelSpec& spec);

}  // namespace pith::model
