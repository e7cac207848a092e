#include "tools/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pith/error.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "eval/fail.h"
#include "tools/cluster.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

[[noreturn]] void fail_io(std::string_view what, std::string_view path) {
  eval::fail(ErrorKind::kIo, "{}: cannot {}: {}", path, what, std::strerror(errno));
}

std::string read_all(std::FILE* file, std::string_view name, std::size_t bytes_max) {
  std::string text;
  std::array<char, 65536> buffer;
  while (text.size() < bytes_max) {
    const std::size_t wanted = std::min(buffer.size(), bytes_max - text.size());
    const std::size_t size = std::fread(buffer.data(), 1, wanted, file);
    text.append(buffer.data(), size);
    if (size < wanted) break;
  }
  if (std::ferror(file) != 0) fail_io("read", name);
  return text;
}

}  // namespace

std::string read_text(const std::string& path, std::size_t bytes_max) {
  if (path == "-") return from_first(is_first() ? read_all(stdin, "standard input", bytes_max) : std::string());
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) fail_io("open", path);
  return read_all(file.get(), path, bytes_max);
}

std::vector<Token> parse_ids(std::string_view text, std::string_view origin) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::vector<Token> ids;
  for (std::size_t at = text.find_first_not_of(kSpaces); at != std::string_view::npos;
       at = text.find_first_not_of(kSpaces, at)) {
    const std::size_t end = std::min(text.find_first_of(kSpaces, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    Token id = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || rest != word.data() + word.size()) {
      eval::fail(ErrorKind::kFormat, "{}: '{}' at byte {} is not a token id", origin,
                 one_line(std::string(word.substr(0, 40))), at);
    }
    ids.push_back(id);
    at = end;
  }
  return ids;
}

OutputFile::OutputFile(std::string path) : path_(is_first() ? std::move(path) : "/dev/null") {
  int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  ours_ = file >= 0;
  if (file < 0 && errno == EEXIST) file = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) fail_io("write", path_);
  file_ = ::fdopen(file, "wb");
  if (file_ == nullptr) {
    ::close(file);
    fail_io("write", path_);
  }
}

OutputFile::~OutputFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  // Nothing but files: root's /dev/null is to stay.
  std::error_code ignored;
  if (ours_ && std::filesystem::symlink_status(path_, ignored).type() == std::filesystem::file_type::regular) {
    std::filesystem::remove(path_, ignored);
  }
}

void OutputFile::write(std::span<const float> values) { write(values.data(), values.size_bytes()); }

void OutputFile::write(std::string_view text) { write(text.data(), text.size()); }

void OutputFile::write(const void* bytes, std::size_t size) {
  // Devices and pipes have no length.
  if (!ours_ && ::ftruncate(::fileno(file_), 0) != 0 && errno != EINVAL) fail_io("write", path_);
  ours_ = true;
  if (std::fwrite(bytes, 1, size, file_) != size) fail_io("write", path_);
}

void OutputFile::finish() {
  // Nothing was written: the older file's bytes are to go all the same.
  if (!ours_) write(std::string_view());
  if (std::fclose(std::exchange(file_, nullptr)) != 0) fail_io("write", path_);
}

}  // namespace pith::tools
