#include <fmt/format.h>
#include <pith/pith.h>

#include <memory>

#include "tools/command.h"
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
  json["vocab"] = info.vocab;
  json["context_trained"] = info.context_trained;
  json["sliding_window"] = info.sliding_window;
  json["chat_format"] = to_string(model.chat_template().format());
  json["bos"] = model.tokenizer().bos();
  json["eos"] = model.tokenizer().eos();
  return json;
}

void info(const InfoArgs& args) {
  const Json json = describe(args.model.load());
  if (args.format == Format::kJson) return write_json(json);
  for (const auto& [key, value] : json.items()) {
    const std::string text = value.is_string() ? one_line(value.get<std::string>())
                                               : value.dump(-1, ' ', false, Json::error_handler_t::replace);
    write_output(fmt::format("{:<18} {}\n", key, text));
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
