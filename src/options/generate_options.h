#pragma once

#include <pith/generate_options.h>

#include "options/sampling_options.h"
#include "options/table.h"

namespace pith::options {

template <>
struct Table<GenerateOptions> {
  using O = GenerateOptions;
  static constexpr std::tuple rows{
      option("tokens_max", &O::tokens_max, "Tokens to generate at most")
          .at_least(-1)
          .on_command_line("-n,--tokens", "N"),
      option("tokens_min", &O::tokens_min, "Tokens that are generated at least").at_least(0),
      option("sampling", &O::sampling, "How tokens are drawn"),
      option("keep_sampler", &O::keep_sampler, "Draw on with the session's sampler"),
      option("stop", &O::stop, "End before this text; may be given more than once").on_command_line("--stop", "TEXT"),
      option("stop_tokens", &O::stop_tokens, "Tokens that end the text"),
      // At most half of the context, which generate() knows.
      option("shift_keep", &O::shift_keep,
             "When the context is full, go on without the older half of what follows the first N tokens; -1: end")
          .at_least(-1)
          .on_command_line("--shift-keep", "N"),
      option("parse_special", &O::parse_special, "Read special tokens that the prompt spells as such"),
      option("ignore_end", &O::ignore_end, "Go on past the model's end tokens").on_command_line("--ignore-end"),
      option("on_logits", &O::on_logits, "Sees and changes logits"),
      // At most the vocabulary, which generate() knows.
      option("logprobs", &O::logprobs, "Log-probabilities of so many tokens beside each one that is drawn; -1: none"),
      option("lookup_tokens", &O::lookup_tokens, "Tokens that are guessed ahead by prompt lookup; 0: none")
          .between(0, 64),
  };
};
static_assert(is_complete<GenerateOptions>());

}  // namespace pith::options
