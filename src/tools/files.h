#pragma once

#include <pith/options.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tools {

/// The bytes of a file, or of standard input for "-". Throws pith::Error(kIo).
std::string read_text(const std::string& path);

/// Token ids with white space between them. `origin` names the text in errors. Throws pith::Error(kFormat) for anything
/// else than numbers in range of a Token.
std::vector<Token> parse_ids(std::string_view text, std::string_view origin);

/// Writes float32 values to a file as they come, in the machine's byte order. A file that was not finished is removed.
class FloatFile {
 public:
  /// Throws pith::Error(kIo).
  explicit FloatFile(std::string path);
  ~FloatFile();
  FloatFile(const FloatFile&) = delete;
  FloatFile& operator=(const FloatFile&) = delete;

  /// Throws pith::Error(kIo).
  void write(std::span<const float> values);
  /// Throws pith::Error(kIo) if anything was lost.
  void finish();

 private:
  std::string path_;
  std::FILE* file_;
};

}  // namespace pith::tools
