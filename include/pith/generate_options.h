#pragma once

#include <pith/export.h>
#include <pith/sampling.h>
#include <pith/token.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace pith::inline v0_1 {

/// Sees the logits before a token is drawn from them, and may change them in place: `tokens` is all that the model has
/// seen so far, oldest first, `logits` [vocabulary of the tokenizer]; minus infinity bans a token. Called before logit
/// bias and penalties, from the thread that generates. For grammars, bans, watermarks.
using LogitsHook = std::function<void(std::span<const Token> tokens, std::span<float> logits)>;

/// How Session::generate() continues a text, and when it ends.
struct GenerateOptions {
  /// Tokens to draw at most; -1: until something else ends it.
  int tokens_max = 256;
  /// Until so many tokens were drawn, neither an end-of-generation token nor one of `stop_tokens` is.
  int tokens_min = 0;
  SamplingOptions sampling{};
  /// The session's sampler goes on as it is, random generator included; `sampling` is not read.
  bool keep_sampler = false;
  /// Generation ends before any of these strings; none of its characters is handed out.
  std::vector<std::string> stop{};
  /// Generation ends when one of these is drawn, as it does with the model's end-of-generation tokens.
  std::vector<Token> stop_tokens{};
  /// What happens when the session's context is full. -1: generation ends (FinishReason::kContext). From 0 on: it goes
  /// on without the older half of the tokens after the first `shift_keep` (Session::drop()), as often as that takes.
  /// At most half of the context. Without effect in sessions that evict.
  int shift_keep = -1;
  /// Read special tokens written in the prompt ("<|im_start|>") as such, as prompts in a chat format need it. Leave it
  /// off for text of others.
  bool parse_special = true;
  /// Go on past the model's end-of-generation tokens.
  bool ignore_end = false;
  LogitsHook on_logits{};
  /// Fills Generation::scores: -1: not; 0: of each token drawn its own; n: and those of the n likeliest tokens.
  int logprobs = -1;
  /// Speculation by prompt lookup (Saxena, 2023: prompt lookup decoding): up to so many tokens that followed an earlier
  /// occurrence of the newest ones are fed together with the next token, and kept as far as they are what is drawn. The
  /// tokens are those without it, bit for bit; texts that repeat their prompt come faster. 0: off; 64 at most. Without
  /// effect where single tokens read sparsely or an eviction policy observes them. During callbacks Session::tokens()
  /// may show tokens that are taken back later.
  int lookup_tokens = 0;
};

}  // namespace pith::inline v0_1
