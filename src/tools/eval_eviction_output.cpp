#include "tools/eval_eviction_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/cache_name.h"

namespace pith::tools {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

std::size_t name_width(const eval::EvictionSetup& setup) {
  std::size_t width = std::string("no eviction").size();
  for (const std::string& policy : setup.policies) width = std::max(width, policy.size());
  return width;
}

std::string setup_line(const eval::EvictionSetup& setup) {
  return fmt::format("KV cache {}, {} sinks and {} recent tokens stay", eval::cache_name(setup.kv), setup.common.sinks,
                     setup.common.recent);
}

Json to_json(const eval::EvictionSetup& setup) {
  Json json;
  json["policies"] = setup.policies;
  json["ratios"] = setup.ratios;
  json["kv_key"] = setup.kv.key;
  json["kv_value"] = setup.kv.value;
  json["sinks"] = setup.common.sinks;
  json["recent"] = setup.common.recent;
  json["allocator"] = setup.common.allocator;
  json["selector"] = setup.common.selector;
  return json;
}

Json to_json(const eval::EvictionCase& which) {
  Json json;
  json["policy"] = which.policy;
  json["ratio"] = which.ratio;
  if (!which.unsupported.empty()) {
    json["unsupported"] = which.unsupported;
    return json;
  }
  json["held_tokens"] = which.held_tokens;
  json["evicted_share"] = which.evicted_share;
  json["kv_bytes"] = which.bytes;
  return json;
}

std::string needle_line(const eval::EvictionNeedleRow& row, const std::string& name, std::size_t width,
                        const eval::EvictionNeedleRow* exact) {
  std::string text = fmt::format("{:>6}  {:<8}  {:<{}}  ", row.length,
                                 exact == nullptr    ? ""
                                 : row.question_seen ? "seen"
                                                     : "not seen",
                                 name, width);
  if (!row.which.unsupported.empty()) return text + row.which.unsupported + "\n";
  if (exact == nullptr) {
    text += fmt::format("{:>9}  {:>6}", "", "");
  } else {
    text += fmt::format("{:>9.4g}  {:>6.0f}", 100 * row.which.ratio, row.which.held_tokens);
  }
  text += fmt::format("  {:>8.0f}  {:>15.4f}", 100 * row.recall(), row.log_probability());
  if (exact != nullptr) text += fmt::format("  {:>10.4f}", row.log_probability() - exact->log_probability());
  return text + "\n";
}

Json to_json(const eval::EvictionNeedleRow& row) {
  Json json;
  json["length"] = row.length;
  json["recall"] = row.recall();
  json["log_probability"] = row.log_probability();
  for (const eval::NeedleScore& score : row.scores) {
    json["log_probabilities"].push_back(score.log_probability);
    json["ranks"].push_back(score.rank);
  }
  return json;
}

/// The exact row of the same length.
const eval::EvictionNeedleRow& exact_of(const eval::EvictionNeedleResult& result, const eval::EvictionNeedleRow& row) {
  return *std::find_if(result.exact.begin(), result.exact.end(),
                       [&](const eval::EvictionNeedleRow& exact) { return exact.length == row.length; });
}

}  // namespace

std::string to_text(const eval::EvictionKlResult& result) {
  const std::size_t width = name_width(result.options.setup);
  std::string text = fmt::format(
      "{:<{}}  evicted %    held      MiB     mean KL   +/-         median        99 %         max  top-1 %   "
      "perplexity   ratio\n",
      "policy", width);
  for (const eval::EvictionKlRow& row : result.rows) {
    text += fmt::format("{:<{}}  ", row.which.policy, width);
    if (!row.which.unsupported.empty()) {
      text += row.which.unsupported + "\n";
      continue;
    }
    const eval::KlFigures& f = row.figures;
    text += fmt::format(
        "{:>9.4g}  {:>6.0f}  {:>7.2f}  {:>10.4g}  {:<8.2g}  {:>10.4g}  {:>10.4g}  {:>10.4g}  {:>7.2f}  {:>11.5g}  "
        "{:>6.4f}\n",
        100 * row.which.ratio, row.which.held_tokens, row.which.bytes / kMebibyte, f.mean, f.standard_error, f.median,
        f.percentile_99, f.largest, 100 * f.top_agreement, f.perplexity, f.perplexity_ratio);
  }
  return text + fmt::format("against no eviction, perplexity {:.5g}; {}; chunks of {} tokens: {}, {} scored\n",
                            result.baseline_perplexity, setup_line(result.options.setup), result.options.context,
                            result.chunks, result.tokens_scored);
}

std::string to_text(const eval::EvictionNeedleResult& result) {
  const std::size_t width = name_width(result.options.setup);
  std::string text = fmt::format("length  question  {:<{}}  evicted %    held  recall %  log-probability  difference\n",
                                 "policy", width);
  for (std::size_t i = 0; i < result.exact.size(); ++i) {
    text += needle_line(result.exact_f16[i], "exact, f16", width, nullptr);
    text += needle_line(result.exact[i], "no eviction", width, nullptr);
    for (const eval::EvictionNeedleRow& row : result.rows) {
      if (row.length == result.exact[i].length) text += needle_line(row, row.which.policy, width, &result.exact[i]);
    }
  }
  return text + fmt::format("{}; depths: {}, passkeys at each: {}\n", setup_line(result.options.setup),
                            result.options.depths.size(), result.options.repeats);
}

std::string to_text(const eval::EvictionStreamResult& result) {
  std::size_t width = 0;
  for (const eval::EvictionStreamRow& row : result.rows) width = std::max(width, row.name.size());
  std::string text =
      fmt::format("{:<{}}  tokens  perplexity    held      MiB  policy MiB    ms/token\n", "policy", width);
  for (const eval::EvictionStreamRow& row : result.rows) {
    if (!row.unsupported.empty()) text += fmt::format("{:<{}}  {}\n", row.name, width, row.unsupported);
    for (const eval::EvictionStreamBlock& block : row.blocks) {
      text += fmt::format("{:<{}}  {:>6}  {:>10.5g}  {:>6}  {:>7.2f}  {:>10.2f}  {:>10.3f}\n", row.name, width,
                          block.end, block.perplexity, block.held_tokens, static_cast<double>(block.bytes) / kMebibyte,
                          static_cast<double>(block.policy_bytes) / kMebibyte, 1000 * block.seconds_per_token);
    }
  }
  text += '\n';
  for (const eval::EvictionStreamRow& row : result.rows) {
    if (!row.blocks.empty())
      text += fmt::format("{:<{}}  perplexity {:.5g} in total\n", row.name, width, row.perplexity());
  }
  return text + fmt::format("{}, at most {} tokens per head, decisions every {}; the model was trained for {} tokens\n",
                            setup_line(result.options.setup), result.options.budget,
                            result.options.setup.common.interval, result.context_trained);
}

Json to_json(const eval::EvictionKlResult& result) {
  Json json = to_json(result.options.setup);
  json["context"] = result.options.context;
  json["chunks"] = result.chunks;
  json["tokens_scored"] = result.tokens_scored;
  json["baseline_perplexity"] = result.baseline_perplexity;
  json["results"] = Json::array();
  for (const eval::EvictionKlRow& row : result.rows) {
    Json each = to_json(row.which);
    if (row.which.unsupported.empty()) {
      each["mean_kl"] = row.figures.mean;
      each["standard_error"] = row.figures.standard_error;
      each["median"] = row.figures.median;
      each["percentile_99"] = row.figures.percentile_99;
      each["max"] = row.figures.largest;
      each["top_agreement"] = row.figures.top_agreement;
      each["perplexity"] = row.figures.perplexity;
      each["perplexity_ratio"] = row.figures.perplexity_ratio;
    }
    json["results"].push_back(each);
  }
  return json;
}

Json to_json(const eval::EvictionNeedleResult& result) {
  Json json = to_json(result.options.setup);
  json["lengths"] = result.options.lengths;
  json["depths"] = result.options.depths;
  json["repeats"] = result.options.repeats;
  json["seed"] = result.options.seed;
  json["needle"] = result.options.text.needle;
  json["question"] = result.options.text.question;
  for (const eval::EvictionNeedleRow& row : result.exact_f16) json["exact_f16"].push_back(to_json(row));
  for (const eval::EvictionNeedleRow& row : result.exact) json["no_eviction"].push_back(to_json(row));
  json["results"] = Json::array();
  for (const eval::EvictionNeedleRow& row : result.rows) {
    Json each = to_json(row.which);
    each["question_seen"] = row.question_seen;
    each["length"] = row.length;
    if (row.which.unsupported.empty()) {
      each.update(to_json(row));
      each["difference"] = row.log_probability() - exact_of(result, row).log_probability();
    }
    json["results"].push_back(each);
  }
  return json;
}

Json to_json(const eval::EvictionStreamResult& result) {
  Json json = to_json(result.options.setup);
  json.erase("ratios");
  json["budget"] = result.options.budget;
  json["interval"] = result.options.setup.common.interval;
  json["stream_tokens"] = result.options.stream_tokens;
  json["block_tokens"] = result.options.block_tokens;
  json["context_trained"] = result.context_trained;
  json["results"] = Json::array();
  for (const eval::EvictionStreamRow& row : result.rows) {
    Json each = {{"name", row.name}, {"policy", row.policy}, {"sinks", row.sinks}};
    if (!row.unsupported.empty()) each["unsupported"] = row.unsupported;
    if (!row.blocks.empty()) each["perplexity"] = row.perplexity();
    for (const eval::EvictionStreamBlock& block : row.blocks) {
      each["blocks"].push_back({{"end", block.end},
                                {"perplexity", block.perplexity},
                                {"kv_held_tokens", block.held_tokens},
                                {"kv_bytes", block.bytes},
                                {"kv_policy_bytes", block.policy_bytes},
                                {"seconds_per_token", block.seconds_per_token}});
    }
    json["results"].push_back(each);
  }
  return json;
}

}  // namespace pith::tools
