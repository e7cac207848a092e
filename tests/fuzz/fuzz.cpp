#include "fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace pith::fuzz {

void broken(std::string_view what) {
  std::fprintf(stderr, "fuzz: does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

void check_error(const Error& error) {
  const std::string_view text = error.what();
  require(error.kind() != ErrorKind::kInternal, text);
  require(!text.empty(), "an error without a message");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  require(std::none_of(text.begin(), text.end(), is_control),
          std::string("a message of more than a line: ").append(text));
  constexpr std::size_t kMost = 16384;
  require(text.size() <= kMost, "a message of more than 16384 bytes");
}

MemoryFile::MemoryFile(std::span<const std::byte> bytes) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
  require(file_ >= 0, "memfd_create() gives a file");
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    require(written > 0, "a file in memory takes bytes");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  path_ = "/proc/self/fd/" + std::to_string(file_);
}

MemoryFile::~MemoryFile() { ::close(file_); }

}  // namespace pith::fuzz
