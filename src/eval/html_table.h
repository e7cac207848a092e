#pragma once

#include <string>
#include <vector>

namespace pith::eval {

using Cells = std::vector<std::string>;

/// Returns an HTML table of plain texts, escaped.
std::string html_table(const Cells& head, const std::vector<Cells>& rows);

}  // namespace pith::eval
