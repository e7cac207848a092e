// Answers requests for renderings, one JSON object per line ({"template", "context", "now"}), with {"text"} or
// {"kind", "error"}: what tests/jinja/differential.py compares with Python's jinja2.
#include <pith/error.h>

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "jinja/template.h"

namespace {

using nlohmann::ordered_json;

ordered_json answer(const ordered_json& request) {
  try {
    const pith::jinja::Template jinja(request.at("template").get<std::string>());
    const std::chrono::duration<double> now(request.at("now").get<double>());
    const std::chrono::system_clock::time_point at(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(now));
    return {{"text", jinja.render(request.at("context").dump(), at)}};
  } catch (const pith::Error& error) {
    const bool raised = std::string_view(error.what()).starts_with("the chat template refuses");
    const char* kind = error.kind() == pith::ErrorKind::kInternal ? "defect" : raised ? "raised" : "failed";
    return {{"kind", kind}, {"error", error.what()}};
  }
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(ordered_json::parse(line)).dump() << '\n';
  return 0;
}
