#include "tools/generate_args.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include "options/generate_options.h"
#include "tools/option_flags.h"

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

}  // namespace

void GenerateArgs::add_to(Command& app) {
  // "Until something else ends it", -1 to the library, is nothing for a command.
  add_flag<&GenerateOptions::tokens_max>(app, options.tokens_max)->not_negative();
  sampling_options = add_flags(app, options.sampling);
  sampling_options.push_back(add_flag<&SamplingOptions::logit_bias>(app, biases)->check(check_bias));
  sampling_options.push_back(add_flag<&SamplingOptions::dry_breakers>(
      app, dry_breaker_texts, "; default: newline, colon, double quote and asterisk; an empty one: none"));
  add_flag<&GenerateOptions::stop>(app, options.stop);
  add_flag<&GenerateOptions::ignore_end>(app, options.ignore_end);
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
