// Stands for template.cpp in builds without Jinja.
#include "base/fail.h"
#include "jinja/template.h"

namespace pith::jinja {

struct Template::Program {};

bool is_built() noexcept { return false; }

Template::Template(std::string_view) {
  fail(ErrorKind::kUnsupported, "this build of pith renders no Jinja templates (PITH_JINJA)");
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(std::string_view, std::chrono::system_clock::time_point) const {
  fail(ErrorKind::kInternal, "a template in a build without Jinja");
}

}  // namespace pith::jinja
