#include <algorithm>
#include <vector>

#include "session/stages/stage.h"

namespace pith {
namespace {

/// How far a token's surprise is from the expected one.
struct Ranked {
  double distance;
  double weight;
  Token token;
};

/// Whether `a` is less typical; of tokens alike, the less likely one, and then that of the higher id.
bool is_after(const Ranked& a, const Ranked& b) {
  if (a.distance != b.distance) return a.distance > b.distance;
  return a.weight < b.weight || (a.weight == b.weight && a.token > b.token);
}

/// Distances without logarithms: with x = (logit - largest) / temperature, the surprise is -ln p = ln(sum of e^x) - x,
/// and the entropy ln(sum of e^x) - E[x]. So |-ln p - H| = |E[x] - x|.
class TypicalP final : public session::StageOf<TypicalP> {
 public:
  explicit TypicalP(float p) : p_(options::checked<&SamplingOptions::typical_p>(p)) {}
  std::string_view name() const override { return "typical_p"; }
  std::size_t buffer_bytes() const noexcept override { return session::vector_bytes(ranked_); }

  void apply(Candidates& candidates, const SamplingContext&) override {
    if (p_ == 1.0F) return;
    const double top = static_cast<double>(candidates.largest());
    const double sharpness = 1.0 / candidates.temperature();
    const auto x_of = [&](const Candidate& candidate) {
      return (static_cast<double>(candidate.logit) - top) * sharpness;
    };
    double total = 0.0;
    double sum = 0.0;
    for (const Candidate& candidate : candidates.weighted()) {
      if (candidate.weight == 0.0) continue;
      total += candidate.weight;
      sum += candidate.weight * x_of(candidate);
    }
    const double expected = sum / total;
    const auto rank = [&](const Candidate& candidate) {
      const double difference = x_of(candidate) - expected;
      return Ranked{difference < 0.0 ? -difference : difference, candidate.weight, candidate.token};
    };
    ranked_.clear();
    for (const Candidate& candidate : candidates.list()) {
      if (candidate.weight > 0.0) ranked_.push_back(rank(candidate));
    }
    const Ranked last = last_within(static_cast<double>(p_) * total);
    candidates.keep_if(
        [&](const Candidate& candidate) { return candidate.weight > 0.0 && !is_after(rank(candidate), last); });
  }

 private:
  /// Returns the token with which the most typical ones reach the goal. Takes no more than these from a heap.
  Ranked last_within(double goal) {
    std::make_heap(ranked_.begin(), ranked_.end(), is_after);
    double reached = 0.0;
    while (true) {
      const Ranked next = ranked_.front();
      reached += next.weight;
      if (reached >= goal || ranked_.size() == 1) return next;
      std::pop_heap(ranked_.begin(), ranked_.end(), is_after);
      ranked_.pop_back();
    }
  }

  float p_;
  std::vector<Ranked> ranked_;
};

}  // namespace

stages::Stage stages::typical_p(float p) { return std::make_shared<TypicalP>(p); }

}  // namespace pith
