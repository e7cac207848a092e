#pragma once

#include <cstddef>

#include "model/binder.h"

namespace pith::model {

/// Takes a recurrent layer's weights out of a file. Throws Error as bind_weights() does.
RecurrentWeights bind_recurrent(Binder& binder, const RecurrentSpec& spec, std::size_t hidden_size, std::size_t layer);

}  // namespace pith::model
