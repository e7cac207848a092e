#include "tokenizer/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <limits>
#include <new>
#include <string>

#include "base/fail.h"

namespace pith::tokenizer {
namespace {

constexpr std::size_t kJitStackStart = std::size_t{32} * 1024;
constexpr std::size_t kJitStackMax = std::size_t{4} * 1024 * 1024;
constexpr std::uint32_t kHeapMaxKiB = 64 * 1024;
constexpr std::size_t kStepsMin = 10'000'000;
// A run of white space is scanned a few times before it is given to an alternative; no ordinary text takes more steps.
constexpr std::size_t kStepsPerByte = 16;

// PCRE2's \s includes U+180E, which Unicode 6.3 removed from White_Space and which the tokenizers do not count.
constexpr std::string_view kWhiteSpace = R"(\t-\r\x{85}\p{Z})";

/// Returns the expression with \s and \S written out as character classes.
std::string with_exact_spaces(std::string_view expression) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == '\\' && i + 1 < expression.size()) {
      const char escaped = expression[++i];
      if (escaped == 's' && in_class) {
        out.append(kWhiteSpace);
      } else if (escaped == 's') {
        out.append("[").append(kWhiteSpace).append("]");
      } else if (escaped == 'S' && !in_class) {
        out.append("[^").append(kWhiteSpace).append("]");
      } else {
        out.append({c, escaped});
      }
      continue;
    }
    if (c == '[' && !in_class) in_class = true;
    if (c == ']' && in_class) in_class = false;
    out.push_back(c);
  }
  return out;
}

}  // namespace

struct Pattern::Code {
  pcre2_code* code = nullptr;
  bool jit = false;

  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(code); }
};

Pattern::Pattern(std::string_view expression, Jit jit) : code_(std::make_unique<Code>()) {
  const std::string exact = with_exact_spaces(expression);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(exact.data()), exact.size(), PCRE2_UTF | PCRE2_UCP, &error,
                              &offset, nullptr);
  if (code_->code == nullptr) {
    fail(ErrorKind::kInternal, "pre-tokenizer pattern '{}' does not compile: error {} at {}", exact, error, offset);
  }
  // Compiling fails where the system forbids memory that is both writable and executable; the interpreter is used then.
  code_->jit = jit == Jit::kIfPossible && pcre2_jit_compile(code_->code, PCRE2_JIT_COMPLETE) == 0;
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

struct Matcher::Scratch {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = nullptr;
  std::uint32_t steps_max = 0;

  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
};

Matcher::Matcher(std::uint32_t steps_max) : scratch_(std::make_unique<Scratch>()) {
  if (scratch_->data == nullptr || scratch_->context == nullptr) throw std::bad_alloc();
  scratch_->steps_max = steps_max;
  pcre2_set_heap_limit(scratch_->context, kHeapMaxKiB);
  // Without a stack of its own, a compiled pattern would use 32 KiB of the thread's. If it cannot be had, patterns are
  // interpreted.
  scratch_->stack = pcre2_jit_stack_create(kJitStackStart, kJitStackMax, nullptr);
  if (scratch_->stack != nullptr) pcre2_jit_stack_assign(scratch_->context, nullptr, scratch_->stack);
}

Matcher::~Matcher() = default;

Matcher::Outcome Matcher::find(const Pattern& pattern, std::string_view text, std::size_t from, Match& match) {
  const std::size_t fair = std::max(kStepsMin, kStepsPerByte * text.size());
  const std::size_t steps = scratch_->steps_max != 0 ? scratch_->steps_max : fair;
  pcre2_set_match_limit(scratch_->context, static_cast<std::uint32_t>(std::min<std::size_t>(
                                               steps, std::numeric_limits<std::uint32_t>::max())));
  const auto run = [&](std::uint32_t options) {
    return pcre2_match(pattern.code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                       options | PCRE2_NO_UTF_CHECK, scratch_->data, scratch_->context);
  };
  int result = run(pattern.code_->jit ? 0U : PCRE2_NO_JIT);
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = run(PCRE2_NO_JIT);
  if (result == PCRE2_ERROR_NOMATCH) return Outcome::kNotFound;
  if (result < 0) return Outcome::kGaveUp;
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(scratch_->data);
  match = {bounds[0], bounds[1]};
  return Outcome::kFound;
}

}  // namespace pith::tokenizer
