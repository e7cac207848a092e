#include "quantize/name_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <new>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"

namespace pith::quantize {
namespace {

/// Names have at most 64 bytes, so that every sensible expression takes far fewer.
constexpr std::uint32_t kStepsMax = 1'000'000;

std::string error_text(int error) {
  std::array<PCRE2_UCHAR, 128> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

/// What one match needs.
struct MatchState {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);

  MatchState() = default;
  MatchState(const MatchState&) = delete;
  MatchState& operator=(const MatchState&) = delete;
  ~MatchState() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
  }
};

}  // namespace

struct NamePattern::Code {
  pcre2_code* code = nullptr;

  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(code); }
};

NamePattern::NamePattern(std::string expression) : expression_(std::move(expression)) {
  const auto code = std::make_shared<Code>();
  int error = 0;
  PCRE2_SIZE offset = 0;
  code->code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression_.data()), expression_.size(), 0, &error, &offset, nullptr);
  if (code->code == nullptr) {
    fail(ErrorKind::kInvalidArgument, "pattern '{}' does not compile: {} at byte {}", printable(expression_),
         error_text(error), offset);
  }
  code_ = code;
}

bool NamePattern::matches(std::string_view name) const {
  const MatchState state;
  if (state.data == nullptr || state.context == nullptr) throw std::bad_alloc();
  pcre2_set_match_limit(state.context, kStepsMax);
  const int result =
      pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0, state.data, state.context);
  if (result >= 0) return true;
  if (result == PCRE2_ERROR_NOMATCH) return false;
  fail(ErrorKind::kInvalidArgument, "pattern '{}' cannot be matched with tensor {}: {}", printable(expression_),
       printable(name), error_text(result));
}

}  // namespace pith::quantize
