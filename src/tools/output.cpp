#include "tools/output.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace pith::tools {
namespace {

void check(bool written) {
  if (written) return;
  throw Error(ErrorKind::kIo, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

}  // namespace

bool write_piece(std::string_view text) noexcept {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

void write_output(std::string_view text) { check(std::fwrite(text.data(), 1, text.size(), stdout) == text.size()); }

void write_json(const Json& json) {
  write_output(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  write_output("\n");
}

void finish_output() { check(std::fflush(stdout) == 0 && std::ferror(stdout) == 0); }

}  // namespace pith::tools
