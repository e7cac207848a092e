#include "jinja/template.h"

#include <ctime>

#include "base/fail.h"
#include "jinja/boundary.h"

namespace pith::jinja {
namespace {

/// A text of the engine's, freed at the end of the scope.
class Text {
 public:
  Text() = default;
  ~Text() {
    if (text_.data != nullptr) pith_jinja_free_text(text_);
  }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  pith_jinja_text* get() noexcept { return &text_; }
  std::string_view view() const noexcept {
    return text_.data == nullptr ? std::string_view() : std::string_view(text_.data, text_.size);
  }

 private:
  pith_jinja_text text_{};
};

std::size_t write_time(const void* self, const char* format, char* out, std::size_t capacity) {
  return std::strftime(out, capacity, format, static_cast<const std::tm*>(self));
}

}  // namespace

struct Template::Program {
  explicit Program(pith_jinja_program* compiled) noexcept : handle(compiled) {}
  ~Program() { pith_jinja_free(handle); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pith_jinja_program* handle;
};

bool is_built() noexcept { return true; }

Template::Template(std::string_view source) {
  pith_jinja_program* handle = nullptr;
  Text error;
  const int status = pith_jinja_compile(source.data(), source.size(), &handle, error.get());
  if (status == PITH_JINJA_DEFECT) fail(ErrorKind::kInternal, "chat template: {}", error.view());
  if (status != PITH_JINJA_DONE) fail(ErrorKind::kUnsupported, "the chat template is unusable: {}", error.view());
  program_ = std::make_unique<const Program>(handle);
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(std::string_view context, std::chrono::system_clock::time_point now) const {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&seconds, &local);
  Text text;
  const int status = pith_jinja_render(program_->handle, context.data(), context.size(),
                                       {.write = write_time, .self = &local}, text.get());
  switch (status) {
    case PITH_JINJA_DONE:
      return std::string(text.view());
    case PITH_JINJA_FAILED:
      fail(ErrorKind::kInvalidArgument, "the chat template failed: {}", text.view());
    case PITH_JINJA_RAISED:
      fail(ErrorKind::kInvalidArgument, "the chat template refuses the messages: {}", text.view());
    default:
      fail(ErrorKind::kInternal, "chat template: {}", text.view());
  }
}

}  // namespace pith::jinja
