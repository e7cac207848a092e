#include "eval/plan.h"

#include <algorithm>

#include "eval/fail.h"

namespace pith::eval {
namespace {

constexpr int kPage = 64;
constexpr int kPagesMax = (1 << 27) / kPage;
/// Less is too little for measure_read().
constexpr std::size_t kReadBytesMin = std::size_t{1} << 20;
/// Places along a chart's x axis.
constexpr int kContexts = 48;

SessionOptions session_of(const KvOptions& kv) {
  SessionOptions options;
  options.kv = kv;
  return options;
}

/// What a token at a depth multiplies: every weight of the layers, and in attention each element of a key and of a
/// value that it sees, for each query head. As many elements as float16 would hold know of sliding windows.
double operations_at(const ModelOutline& model, const KvOptions& kv, int depth) {
  const ModelInfo& info = model.info();
  const double seen = static_cast<double>(model.predict_kv(kv, depth).bytes_f16) / 2;
  return 2.0 * (static_cast<double>(info.layer_parameters) + seen * info.heads / info.kv_heads);
}

PlanRow row_of(const ModelOutline& model, const PlanOptions& options, const KvOptions& kv,
               const std::optional<PlanLimits>& limits) {
  PlanRow row;
  row.kv = kv;
  row.longest = longest_context(model, session_of(kv), options.sessions, options.memory);
  row.tokens = options.context == 0 ? row.longest : options.context;
  row.memory = model.predict_memory(session_of(kv), row.tokens, options.sessions);
  row.fits = row.tokens != 0 && row.memory.total() <= options.memory;
  if (limits) {
    row.empty = speed_bound(model, kv, 0, *limits);
    row.full = speed_bound(model, kv, row.tokens, *limits);
  }
  return row;
}

/// A little beyond the longest context of all, so that every line meets the memory's; of a model that does not fit, as
/// far as it was trained.
void add_chart(const ModelOutline& model, const PlanOptions& options, PlanResult& result) {
  int last = std::max(options.context, kPage);
  for (const PlanRow& row : result.rows) last = std::max(last, row.longest);
  if (last == kPage) last = std::max(last, model.info().context_trained);
  for (int i = 0; i <= kContexts; ++i) result.contexts.push_back(static_cast<int>(std::int64_t{last} * i / kContexts));
  for (const PlanRow& row : result.rows) {
    std::vector<std::uint64_t>& line = result.totals.emplace_back();
    for (const int tokens : result.contexts) {
      line.push_back(model.predict_memory(session_of(row.kv), tokens, options.sessions).total());
    }
  }
}

}  // namespace

PlanLimits measure_plan_limits(const ModelInfo& model, int threads) {
  PlanLimits limits;
  limits.machine = measure_limits({.threads = threads});
  const std::size_t weights =
      std::clamp(std::size_t{model.token_weight_bytes}, kReadBytesMin, limits.machine.read_bytes);
  limits.weights_read_bytes_per_second = measure_read({.threads = threads, .read_bytes = weights});
  return limits;
}

int longest_context(const ModelOutline& model, const SessionOptions& options, int sessions, std::uint64_t memory) {
  const auto fits = [&](int pages) { return model.predict_memory(options, pages * kPage, sessions).total() <= memory; };
  int fitting = 0;
  int too_many = 1;
  while (too_many <= kPagesMax && fits(too_many)) {
    fitting = too_many;
    too_many *= 2;
  }
  too_many = std::min(too_many, kPagesMax + 1);
  while (too_many - fitting > 1) {
    const int middle = fitting + (too_many - fitting) / 2;
    (fits(middle) ? fitting : too_many) = middle;
  }
  return fitting * kPage;
}

SpeedBound speed_bound(const ModelOutline& model, const KvOptions& kv, int depth, const PlanLimits& limits) {
  const double bytes =
      static_cast<double>(model.info().token_weight_bytes) + static_cast<double>(model.predict_kv(kv, depth).bytes);
  // A bound must not be below what is possible: whichever of both rates is higher.
  const double rate = std::max(limits.machine.read_bytes_per_second, limits.weights_read_bytes_per_second);
  return {rate / bytes, limits.machine.int8_ops_per_second / operations_at(model, kv, depth)};
}

PlanResult make_plan(const ModelOutline& model, const PlanOptions& options, const std::optional<PlanLimits>& limits) {
  if (options.memory == 0) fail(ErrorKind::kInvalidArgument, "memory is 0 bytes, must be at least 1");
  if (options.caches.empty()) fail(ErrorKind::kInvalidArgument, "no KV cache to plan with");
  if (options.context < 0) fail(ErrorKind::kInvalidArgument, "context is {}, must be at least 0", options.context);
  PlanResult result;
  for (const KvOptions& kv : options.caches) result.rows.push_back(row_of(model, options, kv, limits));
  add_chart(model, options, result);
  return result;
}

}  // namespace pith::eval
