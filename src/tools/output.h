#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pith::tools {

using Json = nlohmann::ordered_json;

enum class Format { kText, kJson };

/// Writes to standard output at once; false if that failed.
bool write_piece(std::string_view text) noexcept;

/// Text that a file states, for one line of output: a control character as a space, so that a name steers no terminal.
std::string one_line(std::string text);

/// Writes to standard output. Throws pith::Error(kIo) if that failed.
void write_output(std::string_view text);

/// One line.
void write_json(const Json& json);

/// Throws pith::Error(kIo) if anything written to standard output was lost.
void finish_output();

}  // namespace pith::tools
