#pragma once

#include <pith/tokenizer.h>

#include "tokenizer/vocab.h"

namespace pith::tokenizer {

/// Creates the tokenizer that a file describes. Throws Error naming file, key, value and limit: kUnsupported for a
/// tokenizer.ggml.model or tokenizer.ggml.pre that pith does not know (the message lists the known ones), kFormat for a
/// vocabulary that contradicts itself.
Tokenizer make_tokenizer(const VocabSource& source);

}  // namespace pith::tokenizer
