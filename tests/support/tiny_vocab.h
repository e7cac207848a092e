#pragma once

#include <cstddef>

#include "support/gguf_writer.h"

namespace pith::test {

/// Writes the tokenizer keys of a small byte-level BPE vocabulary (model "gpt2", pre "smollm"): <|endoftext|>,
/// <|im_start|> (BOS) and <|im_end|> (EOS) as tokens 0, 1 and 2, the 256 bytes, and some common English pieces with
/// their merges. Returns the number of tokens.
std::size_t add_tiny_vocab(GgufWriter& writer);

/// The same for a SentencePiece vocabulary (model "llama"): <unk>, <s> (BOS) and </s> (EOS), the 256 byte tokens, and
/// pieces with scores.
std::size_t add_tiny_spm_vocab(GgufWriter& writer);

}  // namespace pith::test
