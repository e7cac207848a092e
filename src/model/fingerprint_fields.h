#pragma once

#include <pith/tokenizer.h>

#include "model/weights.h"
#include "snapshot/fields.h"

namespace pith::model {

// What both forms of a fingerprint are made of.

void put_vocabulary(snapshot::FieldWriter& fields, const Tokenizer& tokenizer);
void put_weights(snapshot::FieldWriter& fields, const Vector& vector);
void put_weights(snapshot::FieldWriter& fields, const weights::PackedMatrix& matrix);

}  // namespace pith::model
