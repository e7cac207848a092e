#include "tools/generate_args.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

namespace pith::tools {
namespace {

std::optional<std::pair<Token, float>> parse_bias(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return std::nullopt;
  Token token = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + equals, token);
  if (error != std::errc() || rest != text.data() + equals) return std::nullopt;
  const char* number = text.c_str() + equals + 1;
  char* end = nullptr;
  const float value = std::strtof(number, &end);
  if (end == number || *end != '\0' || std::isnan(value)) return std::nullopt;
  return std::pair(token, value);
}

std::string check_bias(const std::string& text) {
  return parse_bias(text) ? "" : fmt::format("'{}' is not like 1234=-5.5 or 1234=-inf", text);
}

void add_choice_to(Command& app, SamplingOptions& sampling, std::vector<const Option*>& added) {
  added.push_back(
      app.add_option("--temp", sampling.temperature, "Temperature; 0 (the default): always the likeliest token")
          ->type_name("X"));
  added.push_back(app.add_option("--seed", sampling.seed, "Of the random generator; default 0")->type_name("N"));
  added.push_back(
      app.add_option("--top-k", sampling.top_k, "Draw from the N likeliest tokens; 0 (the default): from all")
          ->type_name("N"));
  added.push_back(
      app.add_option("--top-p", sampling.top_p, "Draw from the likeliest tokens that reach this probability; default 1")
          ->type_name("X"));
  added.push_back(app.add_option("--min-p", sampling.min_p,
                                 "Draw from tokens at least X times as likely as the likeliest; default 0")
                      ->type_name("X"));
  added.push_back(
      app.add_option("--typical-p", sampling.typical_p,
                     "Draw from the tokens of the most typical surprise that reach this probability; default 1")
          ->type_name("X"));
}

void add_xtc_and_mirostat_to(Command& app, SamplingOptions& sampling, std::vector<const Option*>& added) {
  added.push_back(app.add_option("--xtc-probability", sampling.xtc_probability,
                                 "XTC: how often the likeliest tokens are cut; 0 (the default): never")
                      ->type_name("X"));
  added.push_back(
      app.add_option("--xtc-threshold", sampling.xtc_threshold,
                     "XTC cuts all tokens at least this probable but the least probable of them; default 0.1")
          ->type_name("X"));
  added.push_back(app.add_option("--mirostat-tau", sampling.mirostat_tau,
                                 "Mirostat 2 aims at this surprise, in bits per token; 0 (the default): no mirostat")
                      ->type_name("X"));
  added.push_back(
      app.add_option("--mirostat-eta", sampling.mirostat_eta, "How fast mirostat learns; default 0.1")->type_name("X"));
}

void add_penalties_to(Command& app, SamplingOptions& sampling, std::vector<const Option*>& added) {
  added.push_back(
      app.add_option("--repeat-penalty", sampling.repetition_penalty, "Divides logits of recent tokens; default 1")
          ->type_name("X"));
  added.push_back(app.add_option("--presence-penalty", sampling.presence_penalty,
                                 "Taken off the logits of recent tokens; default 0")
                      ->type_name("X"));
  added.push_back(app.add_option("--frequency-penalty", sampling.frequency_penalty,
                                 "Taken off the logits of recent tokens once for each time they occurred; default 0")
                      ->type_name("X"));
  added.push_back(
      app.add_option("--penalty-window", sampling.penalty_window, "How many tokens are recent; -1: all; default 64")
          ->type_name("N"));
  added.push_back(app.add_option("--no-repeat-ngram", sampling.no_repeat_ngram,
                                 "Never write the same N tokens twice; 0 (the default): no limit")
                      ->type_name("N"));
}

void add_dry_to(Command& app, SamplingOptions& sampling, std::vector<const Option*>& added) {
  added.push_back(
      app.add_option("--dry-multiplier", sampling.dry_multiplier,
                     "DRY takes X * base^(length - allowed length) off the logit of a token that prolongs a "
                     "repetition of this length; 0 (the default): nothing")
          ->type_name("X"));
  added.push_back(
      app.add_option("--dry-base", sampling.dry_base, "Base of DRY's penalty; default 1.75")->type_name("X"));
  added.push_back(app.add_option("--dry-allowed-length", sampling.dry_allowed_length,
                                 "The length from which on DRY penalizes; default 2")
                      ->type_name("N"));
  added.push_back(app.add_option("--dry-window", sampling.dry_window,
                                 "How many of the newest tokens DRY searches; -1 (the default): all")
                      ->type_name("N"));
}

}  // namespace

void GenerateArgs::add_to(Command& app) {
  app.add_option("-n,--tokens", options.tokens_max,
                 fmt::format("Tokens to generate at most; default {}", options.tokens_max))
      ->not_negative()
      ->type_name("N");
  add_choice_to(app, options.sampling, sampling_options);
  add_penalties_to(app, options.sampling, sampling_options);
  auto* bias = app.add_option("--logit-bias", biases, "Added to a token's logit; may be given more than once")
                   ->type_name("ID=X")
                   ->one_value()
                   ->check(check_bias);
  sampling_options.push_back(bias);
  add_dry_to(app, options.sampling, sampling_options);
  sampling_options.push_back(
      app.add_option("--dry-breaker", dry_breaker_texts,
                     "A text that ends a repetition, for DRY; may be given more than once; default: newline, colon, "
                     "double quote and asterisk; an empty one: none")
          ->type_name("TEXT")
          ->one_value());
  add_xtc_and_mirostat_to(app, options.sampling, sampling_options);
  app.add_option("--stop", options.stop, "End before this text; may be given more than once")
      ->type_name("TEXT")
      ->one_value();
  app.add_flag("--ignore-end", options.ignore_end, "Go on past the model's end tokens");
}

GenerateOptions GenerateArgs::finished(const Tokenizer& tokenizer) const {
  GenerateOptions result = options;
  for (const std::string& text : biases) {
    if (const auto bias = parse_bias(text)) result.sampling.logit_bias.insert_or_assign(bias->first, bias->second);
  }
  if (result.sampling.dry_multiplier == 0.0F) return result;
  if (dry_breaker_texts.empty()) {
    result.sampling.dry_breakers = dry_breakers(tokenizer);
  } else {
    std::vector<std::string> texts = dry_breaker_texts;
    std::erase(texts, "");
    result.sampling.dry_breakers = dry_breakers(tokenizer, texts);
  }
  return result;
}

bool GenerateArgs::sampling_given() const {
  return std::any_of(sampling_options.begin(), sampling_options.end(), [](const Option* o) { return !o->empty(); });
}

}  // namespace pith::tools
