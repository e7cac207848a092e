#include "eval/html_table.h"

#include <fmt/format.h>

#include "plot/svg.h"

namespace pith::eval {

std::string html_table(const Cells& head, const std::vector<Cells>& rows) {
  const auto line = [](const Cells& cells, const char* tag) {
    std::string text = "<tr>";
    for (const std::string& cell : cells) text += fmt::format("<{0}>{1}</{0}>", tag, plot::escape(cell));
    return text + "</tr>\n";
  };
  std::string text = "<table>\n" + line(head, "th");
  for (const Cells& row : rows) text += line(row, "td");
  return text + "</table>\n";
}

}  // namespace pith::eval
