#include <fmt/format.h>
#include <pith/pith.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tools/command.h"
#include "tools/layer_groups.h"
#include "tools/model_args.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

struct InfoArgs {
  ModelArgs model;
  Format format = Format::kText;
};

Json describe(const Model& model) {
  const ModelInfo& info = model.info();
  Json json;
  json["name"] = info.name;
  json["architecture"] = info.architecture;
  json["weight_type"] = info.weight_type;
  json["parameters"] = info.parameters;
  json["weight_bytes"] = info.weight_bytes;
  json["token_weight_bytes"] = info.token_weight_bytes;
  json["layer_parameters"] = info.layer_parameters;
  json["output_parameters"] = info.output_parameters;
  json["layers"] = info.layers;
  json["embedding"] = info.embedding;
  json["heads"] = info.heads;
  json["kv_heads"] = info.kv_heads;
  json["head_size"] = info.head_size;
  json["feed_forward"] = info.feed_forward;
  json["experts"] = info.experts;
  json["experts_used"] = info.experts_used;
  json["encoder"] = info.encoder;
  json["adapters"] = info.adapters;
  json["vocab"] = info.vocab;
  json["context_trained"] = info.context_trained;
  json["sliding_window"] = info.sliding_window;
  json["chat_format"] = to_string(model.chat_template().format());
  json["bos"] = model.tokenizer().bos();
  json["eos"] = model.tokenizer().eos();
  return json;
}

Json to_json(const std::vector<ModelProperty>& properties) {
  Json json = Json::object();
  for (const ModelProperty& property : properties)
    std::visit([&](const auto& value) { json[property.name] = value; }, property.value);
  return json;
}

/// Returns the model's properties, and under "layers" those of layers, once for all layers that agree.
Json to_json(const GroupedSpecification& specification) {
  Json json = to_json(specification.model);
  json["layers"] = Json::array();
  for (const LayerGroup& group : specification.groups)
    json["layers"].push_back({{"numbers", group.layers}, {"properties", to_json(group.properties)}});
  return json;
}

void write_lines(const Json& json, std::string_view indent, int width) {
  for (const auto& [key, value] : json.items()) {
    const std::string text = value.is_string() ? one_line(value.get<std::string>())
                                               : value.dump(-1, ' ', false, Json::error_handler_t::replace);
    write_output(fmt::format("{}{:<{}} {}\n", indent, key, width, text));
  }
}

void info(const InfoArgs& args) {
  const Model model = args.model.load();
  Json json = describe(model);
  const GroupedSpecification specification = group_layers(model.specification());
  if (args.format == Format::kJson) {
    json["specification"] = to_json(specification);
    return write_json(json);
  }
  write_lines(json, "", 18);
  write_output("specification\n");
  write_lines(to_json(specification.model), "  ", 32);
  for (const LayerGroup& group : specification.groups) {
    write_output(layer_ranges(group.layers) + "\n");
    write_lines(to_json(group.properties), "  ", 32);
  }
}

}  // namespace

void add_info(Command& app, Action& action) {
  auto* command = app.add_subcommand("info", "Print what a model is");
  const auto args = std::make_shared<InfoArgs>();
  args->model.add_to(*command, "model,-m,--model");
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { info(*args); }; });
}

}  // namespace pith::tools
