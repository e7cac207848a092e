#pragma once

#include <pith/sampling.h>

#include "options/table.h"

namespace pith::options {

template <>
struct Table<SamplingOptions> {
  using O = SamplingOptions;
  static constexpr std::tuple rows{
      option("temperature", &O::temperature, "Temperature; 0: always the most likely token")
          .at_least(0.0F)
          .on_command_line("--temp", "X")
          .saved_since(1, 1),
      option("seed", &O::seed, "Seed of the random generator").on_command_line("--seed", "N").saved_since(1, 9),
      option("top_k", &O::top_k, "Draw from the N most likely tokens; 0: from all")
          .at_least(0)
          .on_command_line("--top-k", "N")
          .saved_since(1, 7),
      option("top_p", &O::top_p, "Draw from the most likely tokens that together reach this probability")
          .between(0.0F, 1.0F)
          .on_command_line("--top-p", "X")
          .saved_since(1, 2),
      option("min_p", &O::min_p, "Draw from tokens at least X times as likely as the most likely one")
          .between(0.0F, 1.0F)
          .on_command_line("--min-p", "X")
          .saved_since(1, 3),
      option("typical_p", &O::typical_p,
             "Draw from the tokens of the most typical surprise that reach this probability")
          .between(0.0F, 1.0F)
          .on_command_line("--typical-p", "X")
          .saved_since(2, 11),
      option("repetition_penalty", &O::repetition_penalty, "Divide the logits of recent tokens by this")
          .above(0.0F)
          .on_command_line("--repeat-penalty", "X")
          .saved_since(1, 4),
      option("presence_penalty", &O::presence_penalty, "Subtract this from the logits of recent tokens")
          .on_command_line("--presence-penalty", "X")
          .saved_since(1, 5),
      option("frequency_penalty", &O::frequency_penalty,
             "Subtract this from the logits of recent tokens once for each time they occurred")
          .on_command_line("--frequency-penalty", "X")
          .saved_since(1, 6),
      option("penalty_window", &O::penalty_window, "How many of the newest tokens are recent; -1: all")
          .at_least(-1)
          .on_command_line("--penalty-window", "N")
          .saved_since(1, 8),
      option("no_repeat_ngram", &O::no_repeat_ngram, "Never write the same N tokens twice; 0: no limit")
          .at_least(0)
          .on_command_line("--no-repeat-ngram", "N")
          .saved_since(2, 20),
      option("logit_bias", &O::logit_bias,
             "Add X to the logit of token ID; -inf forbids it; may be given more than once")
          .on_command_line("--logit-bias", "ID=X")
          .saved_since(1, 10),
      option("dry_multiplier", &O::dry_multiplier,
             "DRY takes X * base^(length - allowed length) off the logit of a token that prolongs a repetition of this "
             "length; 0: nothing")
          .at_least(0.0F)
          .on_command_line("--dry-multiplier", "X")
          .saved_since(2, 14),
      option("dry_base", &O::dry_base, "Base of DRY's penalty")
          .at_least(1.0F)
          .on_command_line("--dry-base", "X")
          .saved_since(2, 15),
      option("dry_allowed_length", &O::dry_allowed_length, "The length from which on DRY penalizes")
          .at_least(1)
          .on_command_line("--dry-allowed-length", "N")
          .saved_since(2, 18),
      option("dry_window", &O::dry_window, "How many of the newest tokens DRY searches; -1: all")
          .at_least(-1)
          .on_command_line("--dry-window", "N")
          .saved_since(2, 19),
      option("dry_breakers", &O::dry_breakers, "A text that ends a repetition, for DRY; may be given more than once")
          .on_command_line("--dry-breaker", "TEXT")
          .saved_since(2, 21),
      option("xtc_probability", &O::xtc_probability, "XTC: how often the likeliest tokens are cut; 0: never")
          .between(0.0F, 1.0F)
          .on_command_line("--xtc-probability", "X")
          .saved_since(2, 12),
      option("xtc_threshold", &O::xtc_threshold,
             "XTC cuts all tokens at least this probable but the least probable of them")
          .between(0.0F, 1.0F)
          .on_command_line("--xtc-threshold", "X")
          .saved_since(2, 13),
      option("mirostat_tau", &O::mirostat_tau, "Mirostat 2 aims at this surprise, in bits per token; 0: no mirostat")
          .at_least(0.0F)
          .on_command_line("--mirostat-tau", "X")
          .saved_since(2, 16),
      option("mirostat_eta", &O::mirostat_eta, "How fast mirostat learns")
          .at_least(0.0F)
          .on_command_line("--mirostat-eta", "X")
          .saved_since(2, 17),
      option("stages", &O::stages, "Stages of a program's own").not_saved(),
  };
};
static_assert(is_complete<SamplingOptions>());

}  // namespace pith::options
