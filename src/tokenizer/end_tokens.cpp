#include "tokenizer/end_tokens.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace pith::tokenizer {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view kEnds[] = {"<|eot_id|>",
                                      "<|im_end|>",
                                      "<|end|>",
                                      "<|return|>",
                                      "<|call|>",
                                      "<|flush|>",
                                      "<|calls|>",
                                      "<end_of_turn>",
                                      "<|endoftext|>",
                                      "</s>",
                                      "<|eom_id|>",
                                      "<EOT>",
                                      "_<EOT>",
                                      "[EOT]",
                                      "[EOS]",
                                      "<|end_of_text|>",
                                      "<end_of_utterance>",
                                      "<eos>",
                                      "<|tool_response>",
                                      "<｜end▁of▁sentence｜>",
                                      "<turn|>",
                                      "[e~[",
                                      "<|plamo:eos|>"};
constexpr std::string_view kFimPad[] = {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"};
constexpr std::string_view kFimRepository[] = {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"};
constexpr std::string_view kFimSeparator[] = {"<|file_sep|>"};
constexpr std::string_view kFimPrefix[] = {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>",    "<｜fim▁begin｜>",
                                           "<PRE>",          "▁<PRE>",       "<|code_prefix|>", "<|prefix|>"};
constexpr std::string_view kFimSuffix[] = {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>",    "<｜fim▁hole｜>",
                                           "<SUF>",          "▁<SUF>",       "<|code_suffix|>", "<|suffix|>"};
constexpr std::string_view kFimMiddle[] = {"<|fim_middle|>", "<fim-middle>", "<fim_middle>",    "<｜fim▁end｜>",
                                           "<MID>",          "▁<MID>",       "<|code_middle|>", "<|middle|>"};

/// Returns the first of the names that is in the vocabulary; -1 if none is.
Token first_of(const TextIndex& index, Names names) {
  for (const std::string_view name : names) {
    if (const Token token = index.find(name); token >= 0) return token;
  }
  return -1;
}

/// Returns the token that the file states, or else the one that has one of the names, which then becomes a control
/// token.
Token stated_or_named(const TextIndex& index, Token stated, Names names, std::vector<Token>& control) {
  if (stated >= 0) return stated;
  const Token named = first_of(index, names);
  if (named >= 0) control.push_back(named);
  return named;
}

}  // namespace

SpecialNames find_special_names(const TextIndex& index, const StatedEnds& stated) {
  SpecialNames found;
  for (const std::string_view name : kEnds) {
    if (const Token token = index.find(name); token >= 0) {
      found.ends.push_back(token);
      found.control.push_back(token);
    }
  }
  const std::array<Token, 6> more = {
      stated.eos,
      stated.eot,
      stated.eom,
      stated_or_named(index, stated.fim_pad, kFimPad, found.control),
      stated_or_named(index, stated.fim_repository, kFimRepository, found.control),
      stated_or_named(index, stated.fim_separator, kFimSeparator, found.control),
  };
  for (const Token token : more) {
    if (token >= 0) found.ends.push_back(token);
  }
  for (const Names names : {Names(kFimPrefix), Names(kFimSuffix), Names(kFimMiddle)}) {
    stated_or_named(index, -1, names, found.control);
  }

  const auto has = [&](std::string_view name) { return index.find(name) >= 0; };
  const auto is_not_end = [&](std::string_view name) {
    const Token token = index.find(name);
    std::erase(found.ends, token);
    std::erase(found.control, token);
  };
  // In models whose messages have channels (o200k_harmony, Solar), <|end|> ends a message, not the turn.
  if ((has("<|return|>") && has("<|call|>")) || (has("<|calls|>") && has("<|flush|>"))) is_not_end("<|end|>");
  // In this family </s> is an ordinary token: the HTML tag of struck-out text.
  if (has("<|tool_response>")) is_not_end("</s>");
  return found;
}

}  // namespace pith::tokenizer
