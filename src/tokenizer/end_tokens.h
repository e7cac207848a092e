#pragma once

#include <pith/token.h>

#include <vector>

#include "tokenizer/text_index.h"

namespace pith::tokenizer {

/// Ids that the file states; -1 where it states none.
struct StatedEnds {
  Token eos = -1;
  Token eot = -1;
  Token eom = -1;
  Token fim_pad = -1;
  Token fim_repository = -1;
  Token fim_separator = -1;
};

struct SpecialNames {
  /// Tokens that end a generation.
  std::vector<Token> ends;
  /// Tokens whose names make them control tokens, whatever type the file gives them.
  std::vector<Token> control;
};

/// Finds end tokens by name. Files state one end token, but models use several: for the end of a turn, of a message, or
/// of a file in fill-in-the-middle training. The names are those that llama.cpp recognizes.
SpecialNames find_special_names(const TextIndex& index, const StatedEnds& stated);

}  // namespace pith::tokenizer
