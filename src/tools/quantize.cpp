#include <fmt/format.h>
#include <pith/pith.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "eval/fail.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/model_args.h"
#include "tools/progress.h"
#include "tools/quantize_output.h"

namespace pith::tools {
namespace {

struct QuantizeArgs {
  std::string input;
  std::string output;
  std::vector<std::string> rules;
  QuantizeOptions options{};
  bool dry_run = false;
  Format format = Format::kText;
};

/// "REGEX=TYPE"; empty parts if there is none.
QuantizeRule parse_rule(std::string_view text) {
  const std::size_t at = text.rfind('=');
  if (at == std::string_view::npos) return {};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::string rule_complaint(const std::string& text) {
  const QuantizeRule rule = parse_rule(text);
  return rule.pattern.empty() || rule.type.empty() ? fmt::format("'{}' is not REGEX=TYPE", text) : "";
}

QuantizeReport write_file(const QuantizeArgs& args, QuantizeOptions options) {
  Interrupt interrupt;
  const std::stop_token stop = interrupt.arm();
  ProgressLine line;
  options.progress = [&](double share) {
    if (stop.stop_requested()) eval::fail(ErrorKind::kIo, "{}: was not written: interrupted", args.output);
    line.show(fmt::format("quantizing {} {:.0f} %", args.input, 100 * share));
  };
  QuantizeReport report = quantize_file(args.input, args.output, options);
  interrupt.disarm();
  return report;
}

void quantize(const QuantizeArgs& args) {
  QuantizeOptions options = args.options;
  for (const std::string& rule : args.rules) options.rules.push_back(parse_rule(rule));
  const QuantizeReport report = args.dry_run ? plan_quantization(args.input, options) : write_file(args, options);
  if (args.format == Format::kJson) return write_json(quantize_json(report));
  write_output(quantize_text(report));
}

void add_types(Command& command, QuantizeArgs& args) {
  command
      .add_option("-t,--type", args.options.type,
                  "What most matrices become, and which become something else; default " + args.options.type)
      ->type_name("TYPE")
      ->suggests(quantize_mixes());
  command.add_flag("--pure", args.options.pure, "Give all matrices the same type");
  command
      .add_option("--output-type", args.options.output_type, "The type of the output matrix; by default as --type says")
      ->type_name("TYPE");
  command
      .add_option("--embedding-type", args.options.embedding_type,
                  "The type of the token embedding; by default as --type says")
      ->type_name("TYPE");
  command
      .add_option(
          "--tensor-type", args.rules,
          "The type of matrices whose name the regular expression matches; may be given more than once, and the "
          "first that matches counts")
      ->type_name("REGEX=TYPE")
      ->one_value()
      ->check(rule_complaint);
}

}  // namespace

void add_quantize(Command& app, Action& action) {
  auto* command = app.add_subcommand("quantize", "Write a model with weights of another type");
  const auto args = std::make_shared<QuantizeArgs>();
  command->add_option("input", args->input, "The model's GGUF file (of a sharded model, its first)")
      ->required()
      ->type_name("FILE");
  auto* output = command->add_option("output", args->output, "The GGUF file to write; not needed with --dry-run")
                     ->type_name("FILE");
  add_types(*command, *args);
  command->add_flag("--allow-requantize", args->options.allow_requantize,
                    "Take matrices that are quantized already, and lose more than from F32, F16 or BF16");
  command->add_flag("--force", args->options.overwrite, "Replace a file that exists");
  command->add_flag("--dry-run", args->dry_run, "Only print what would be written");
  add_threads(*command, args->options.threads);
  add_format(*command, args->format);
  command->callback([args, output, &action] {
    if (output->empty() && !args->dry_run) fail_missing("output or --dry-run");
    action = [args] { quantize(*args); };
  });
}

}  // namespace pith::tools
