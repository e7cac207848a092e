#pragma once

#include <pith/options.h>

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
  /// Tokens that are control tokens by their names, whatever type the file gives them.
  std::vector<Token> control;
};

/// Files state one end token, but models use several: those of end of turn, of message, of a file in fill-in-the-middle
/// training. They are known by their names, the same that llama.cpp knows.
SpecialNames find_special_names(const TextIndex& index, const StatedEnds& stated);

}  // namespace pith::tokenizer
