#include "tools/chat_inputs.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/files.h"

namespace pith::tools {
namespace {

constexpr std::size_t kInputBytesMax = std::size_t{16} << 20;

std::string check_variable(const std::string& text) {
  const std::size_t equals = text.find('=');
  const bool is_named = equals != std::string::npos && equals != 0;
  return is_named ? "" : fmt::format("'{}' is not like enable_thinking=false", text);
}

}  // namespace

void ChatInputArgs::add_to(Command& app) {
  app.add_option("--tools", tools_file, "A JSON array of tools for the model's chat template")->type_name("FILE");
  app.add_option("--documents", documents_file, "A JSON array of documents for the model's chat template")
      ->type_name("FILE");
  app.add_option("--template-var", variables,
                 "A variable of the model's chat template, as JSON or text: enable_thinking=false; may be repeated")
      ->type_name("NAME=VALUE")
      ->one_value()
      ->check(check_variable);
}

ChatInputs ChatInputArgs::read() const {
  ChatInputs inputs;
  if (!tools_file.empty()) inputs.tools = read_text(tools_file, kInputBytesMax);
  if (!documents_file.empty()) inputs.documents = read_text(documents_file, kInputBytesMax);
  if (variables.empty()) return inputs;
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const std::string& text : variables) {
    const std::size_t equals = text.find('=');
    const std::string value = text.substr(equals + 1);
    nlohmann::ordered_json parsed = nlohmann::ordered_json::parse(value, nullptr, false);
    object[text.substr(0, equals)] = parsed.is_discarded() ? nlohmann::ordered_json(value) : std::move(parsed);
  }
  inputs.variables = object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return inputs;
}

}  // namespace pith::tools
