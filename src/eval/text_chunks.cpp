#include "eval/text_chunks.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <limits>
#include <utility>

#include "eval/fail.h"

namespace pith::eval {
namespace {

void check_range(const char* what, int value, int least, int most) {
  if (value >= least && value <= most) return;
  fail(ErrorKind::kInvalidArgument, "{} is {}, must be {} to {}", what, value, least, most);
}

/// Returns BOS if the tokenizer puts it before a text, else -1.
Token leading_bos(const Tokenizer& tokenizer) {
  const std::vector<Token> empty = tokenizer.encode("");
  return !empty.empty() && empty.front() == tokenizer.bos() ? tokenizer.bos() : -1;
}

}  // namespace

TextChunks::TextChunks(const Tokenizer& tokenizer, std::string name, std::string_view text, int context, int chunks)
    : name_(std::move(name)) {
  check_range("context", context, kContextMin, kContextMax);
  check_range("chunks", chunks, 0, std::numeric_limits<int>::max());
  context_ = static_cast<std::size_t>(context);
  tokens_ = tokenizer.encode(text, {.add_special = true, .parse_special = false});
  const std::size_t wanted = chunks == 0 ? 1 : static_cast<std::size_t>(chunks);
  const std::size_t held = tokens_.size() / context_;
  if (held < wanted) {
    fail(ErrorKind::kInvalidArgument, "{}: {} tokens are too few for {} chunk{} of {}", name_, tokens_.size(), wanted,
         wanted == 1 ? "" : "s", context);
  }
  count_ = chunks == 0 ? held : wanted;
  const Token bos = leading_bos(tokenizer);
  for (std::size_t i = 0; bos >= 0 && i < count_; ++i) tokens_[i * context_] = bos;
}

}  // namespace pith::eval
