#pragma once

#include <pith/tokenizer.h>

#include "io/fields.h"
#include "model/weights.h"

namespace pith::model {

// What both forms of a fingerprint are made of.

void put_vocabulary(io::FieldWriter& fields, const Tokenizer& tokenizer);
void put_weights(io::FieldWriter& fields, const Vector& vector);
void put_weights(io::FieldWriter& fields, const weights::PackedMatrix& matrix);

}  // namespace pith::model
