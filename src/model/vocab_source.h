#pragma once

#include "gguf/file.h"
#include "tokenizer/vocab.h"

namespace pith::model {

/// Reads the tokenizer's keys from a file's metadata. The result's views point into the file's mapping. Throws
/// Error(kFormat) for keys of a wrong type.
tokenizer::VocabSource read_vocab_source(const gguf::File& file);

}  // namespace pith::model
