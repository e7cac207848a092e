#pragma once

#include <pith/token.h>

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tools {

/// The bytes of a file, or of standard input for "-"; no more of them than `bytes_max`. Throws pith::Error(kIo).
std::string read_text(const std::string& path, std::size_t bytes_max = std::numeric_limits<std::size_t>::max());

/// Token ids with white space between them. `origin` names the text in errors. Throws pith::Error(kFormat) for anything
/// else than numbers in range of a Token.
std::vector<Token> parse_ids(std::string_view text, std::string_view origin);

/// A file for results, opened before they are there: hours of work are not to end with a folder that does not exist. An
/// older file of that name stays as it is until the first write; what was begun and not finished is removed.
class OutputFile {
 public:
  /// Throws pith::Error(kIo).
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Float32 in the machine's byte order. Throws pith::Error(kIo).
  void write(std::span<const float> values);
  /// Throws pith::Error(kIo).
  void write(std::string_view text);
  /// Throws pith::Error(kIo) if anything was lost.
  void finish();

 private:
  void write(const void* bytes, std::size_t size);

  std::string path_;
  /// Whether what lies at the path is of this object's making.
  bool ours_ = false;
  std::FILE* file_ = nullptr;
};

}  // namespace pith::tools
