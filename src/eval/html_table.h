#pragma once

#include <string>
#include <vector>

namespace pith::eval {

using Cells = std::vector<std::string>;

/// An HTML table of plain texts.
std::string html_table(const Cells& head, const std::vector<Cells>& rows);

}  // namespace pith::eval
