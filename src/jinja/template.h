#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace pith::jinja {

/// Returns whether this build can render Jinja templates (the build option PITH_JINJA).
bool is_built() noexcept;

/// A compiled Jinja template, in the environment that Hugging Face's transformers gives to chat templates: blocks
/// trimmed, loop controls, raise_exception, strftime_now, tojson as Python's json.dumps, the methods of Python's types.
/// It reads no files, and its size, its work, its depth and its text are limited (docs/security.md).
///
/// Immutable: several threads may render at once.
class Template {
 public:
  /// Throws Error(kUnsupported) that quotes the line if the template is unusable, and in builds without Jinja.
  explicit Template(std::string_view source);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Renders with the variables of a JSON object; `now` is what strftime_now tells, in local time. Throws
  /// Error(kInvalidArgument): the template's own text if it calls raise_exception, else the line and what is wrong.
  std::string render(std::string_view context, std::chrono::system_clock::time_point now) const;

 private:
  struct Program;
  std::unique_ptr<const Program> program_;
};

}  // namespace pith::jinja
