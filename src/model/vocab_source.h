#pragma once

#include "gguf/file.h"
#include "tokenizer/vocab.h"

namespace pith::model {

/// The tokenizer's keys of a file's metadata; views into the file's mapping. Throws Error(kFormat) for keys of a wrong
/// type.
tokenizer::VocabSource read_vocab_source(const gguf::File& file);

}  // namespace pith::model
