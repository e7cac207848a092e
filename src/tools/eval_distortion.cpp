#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "eval/distortion.h"
#include "tools/eval.h"
#include "tools/model_args.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

constexpr int kSizeMax = 4096;
constexpr int kVectorsMax = 1 << 24;
constexpr int kDrawsMax = 1 << 16;

struct DistortionArgs {
  eval::DistortionOptions options;
  Format format = Format::kText;
};

const char* side_name(KvSide side) { return side == KvSide::kKeys ? "keys" : "values"; }

/// The heading's columns are as wide as those of row_line().
constexpr std::string_view kHeading =
    "  side    size    bits       MSE  paper's  theory's   4^-bits  inner product x size      +/-  paper's  theory's  "
    "   bias\n";

std::string row_line(const eval::Distortion& row, std::size_t width) {
  const eval::PaperDistortion* paper = eval::paper_distortion(row.bits);
  const auto of_paper = [&](double eval::PaperDistortion::*value) {
    return paper != nullptr ? fmt::format("{:.4g}", paper->*value) : "-";
  };
  return fmt::format(
      "{:<{}}  {:<6}  {:>4}  {:>6.3f}  {:>#8.3g}  {:>7}  {:>8}  {:>#8.3g}  {:>#20.3g}  {:>7.1g}  {:>7}  {:>8}  "
      "{:>7.4f}\n",
      row.codec, width, side_name(row.shape.side), row.shape.size, row.bits, row.mse,
      of_paper(&eval::PaperDistortion::mse), of_paper(&eval::PaperDistortion::mse_theory), row.mse_bound(),
      row.inner_product, row.inner_product_standard_error, of_paper(&eval::PaperDistortion::inner_product),
      of_paper(&eval::PaperDistortion::inner_product_theory), row.bias);
}

std::string result_lines(const std::vector<eval::Distortion>& results) {
  std::size_t width = 5;
  for (const eval::Distortion& row : results) width = std::max(width, row.codec.size());
  std::string text = fmt::format("{:<{}}{}", "codec", width, kHeading);
  for (const eval::Distortion& row : results) text += row_line(row, width);
  if (results.empty()) return text;
  return text +
         fmt::format(
             "paper's: TurboQuant (arXiv 2504.19874) at as many whole bits, its norms not counted; theory's: what "
             "its algorithms attain as sizes grow\nmeans over {} draws of codecs' random matrices; +/-: standard "
             "error from how much these differ\n",
             results.front().draws);
}

Json to_json(const eval::Distortion& row) {
  Json json;
  json["codec"] = row.codec;
  json["side"] = side_name(row.shape.side);
  json["size"] = row.shape.size;
  json["vectors"] = row.vectors;
  json["draws"] = row.draws;
  json["bits"] = row.bits;
  json["mse"] = row.mse;
  json["mse_bound"] = row.mse_bound();
  json["inner_product"] = row.inner_product;
  json["inner_product_standard_error"] = row.inner_product_standard_error;
  json["bias"] = row.bias;
  const eval::PaperDistortion* paper = eval::paper_distortion(row.bits);
  json["paper_mse"] = paper != nullptr ? Json(paper->mse) : Json();
  json["paper_inner_product"] = paper != nullptr ? Json(paper->inner_product) : Json();
  json["theory_mse"] = paper != nullptr ? Json(paper->mse_theory) : Json();
  json["theory_inner_product"] = paper != nullptr ? Json(paper->inner_product_theory) : Json();
  return json;
}

Json to_json(const eval::PaperDistortion& row) {
  Json json;
  json["bits"] = row.bits;
  json["mse"] = row.mse;
  json["mse_bound"] = std::pow(4.0, -static_cast<double>(row.bits));
  json["mse_theory"] = row.mse_theory;
  json["inner_product"] = row.inner_product;
  json["inner_product_theory"] = row.inner_product_theory;
  return json;
}

void distortion(const DistortionArgs& args) {
  const std::vector<eval::Distortion> results =
      measure_distortion(args.options, [](const std::vector<eval::Distortion>& of_size) {
        if (!of_size.empty()) fmt::print(stderr, "size {}: measured\n", of_size.front().shape.size);
      });
  if (args.format == Format::kText) return write_output(result_lines(results));
  Json json;
  json["seed"] = args.options.seed;
  json["results"] = Json::array();
  for (const eval::Distortion& row : results) json["results"].push_back(to_json(row));
  for (const eval::PaperDistortion& row : eval::kPaperDistortions) json["paper"].push_back(to_json(row));
  write_json(json);
}

}  // namespace

void add_eval_distortion(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand(
      "distortion",
      "Measure the errors of KV codecs on random unit vectors, beside TurboQuant's paper and Shannon's bound");
  const auto args = std::make_shared<DistortionArgs>();
  args->options.registry = codecs;
  command
      ->add_option("--codecs", args->options.codecs,
                   fmt::format("Codecs: {}; default: all with fewer than 16 bits", codec_list(codecs)))
      ->delimiter(',')
      ->type_name("NAME,...");
  command->add_option("--sizes", args->options.sizes, "Elements of a vector, multiples of 16; default 64,128,256")
      ->delimiter(',')
      ->range(1, kSizeMax)
      ->type_name("N,...");
  command
      ->add_option("--vectors", args->options.vectors, "Vectors of each size, rounded up to pages of 64; default 8192")
      ->range(1, kVectorsMax)
      ->type_name("N");
  command
      ->add_option(
          "--draws", args->options.draws,
          "How many draws of the codecs' random matrices they are spread over, at most one per page; default 16")
      ->range(1, kDrawsMax)
      ->type_name("N");
  command->add_option("--seed", args->options.seed, "Seed of the vectors; default 0")->type_name("N");
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { distortion(*args); }; });
}

}  // namespace pith::tools
