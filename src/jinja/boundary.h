#pragma once

#include <cstddef>
#include <cstdint>

// What the template engine (src/jinja/crate) offers through its C interface. Nothing throws across it. Only
// src/jinja/template.cpp calls it.

extern "C" {

/// A compiled template. It never changes, so several threads may render it at once.
struct pith_jinja_program;

/// A text of the engine's: UTF-8, freed by pith_jinja_free_text().
struct pith_jinja_text {
  char* data;
  std::size_t size;
};

/// What the template's strftime_now asks. `write` writes the time in a format of strftime and returns the number of
/// bytes, or 0 if they do not fit into `capacity`; it is called on the rendering thread only.
struct pith_jinja_clock {
  std::size_t (*write)(const void* self, const char* format, char* out, std::size_t capacity);
  const void* self;
};

/// DONE: the result is a program or a text. FAILED: an unusable template, a failed rendering or a limit. RAISED: the
/// template called raise_exception. DEFECT: the engine failed. In the last three a text says what is wrong.
enum pith_jinja_status : int { PITH_JINJA_DONE, PITH_JINJA_FAILED, PITH_JINJA_RAISED, PITH_JINJA_DEFECT };

/// Compiles a template of `size` bytes. Writes either `program` or `error`.
int pith_jinja_compile(const char* source, std::size_t size, pith_jinja_program** program, pith_jinja_text* error);

/// Renders a template with the variables of a JSON object. Writes the text or the error to `out`.
int pith_jinja_render(const pith_jinja_program* program, const char* context, std::size_t size, pith_jinja_clock clock,
                      pith_jinja_text* out);

void pith_jinja_free(pith_jinja_program* program);
void pith_jinja_free_text(pith_jinja_text text);

}  // extern "C"
