#include "tools/output.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "eval/fail.h"

namespace pith::tools {
namespace {

void check(bool written) {
  if (written) return;
  eval::fail(ErrorKind::kIo, "cannot write to standard output: {}", std::strerror(errno));
}

}  // namespace

bool write_piece(std::string_view text) noexcept {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

void write_output(std::string_view text) { check(std::fwrite(text.data(), 1, text.size(), stdout) == text.size()); }

void write_json(const Json& json) {
  write_output(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  write_output("\n");
}

void finish_output() { check(std::fflush(stdout) == 0 && std::ferror(stdout) == 0); }

}  // namespace pith::tools
