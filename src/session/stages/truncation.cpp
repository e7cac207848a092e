#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "session/stages/stage.h"

namespace pith {
namespace {

class Temperature final : public session::StageOf<Temperature> {
 public:
  explicit Temperature(float temperature)
      : temperature_(options::checked<&SamplingOptions::temperature>(temperature)) {}
  std::string_view name() const override { return "temperature"; }

  void apply(Candidates& candidates, const SamplingContext&) override {
    if (temperature_ == 0.0F) return candidates.make_greedy();
    candidates.heat(static_cast<double>(temperature_));
  }

 private:
  float temperature_;
};

class TopK final : public session::StageOf<TopK> {
 public:
  explicit TopK(int k) : k_(static_cast<std::size_t>(options::checked<&SamplingOptions::top_k>(k))) {}
  std::string_view name() const override { return "top_k"; }

  void apply(Candidates& candidates, const SamplingContext&) override {
    if (k_ != 0) candidates.keep_top(k_);
  }

 private:
  std::size_t k_;
};

constexpr std::size_t kOctaves = 1024;

/// 0 for a weight of 1, 1 for [1/2, 1), and so on; the last for 0.
std::size_t octave(double weight) noexcept {
  constexpr std::uint64_t kExponentOfOne = 1023;
  return static_cast<std::size_t>(kExponentOfOne - (std::bit_cast<std::uint64_t>(weight) >> 52));
}

class TopP final : public session::StageOf<TopP> {
 public:
  explicit TopP(float p) : p_(options::checked<&SamplingOptions::top_p>(p)) {}
  std::string_view name() const override { return "top_p"; }

  void apply(Candidates& candidates, const SamplingContext&) override {
    if (p_ == 1.0F) return;
    std::array<double, kOctaves> totals{};
    for (const Candidate& candidate : candidates.weighted()) totals[octave(candidate.weight)] += candidate.weight;
    const double goal = static_cast<double>(p_) * candidates.total_weight();
    // Only the octaves from the top that reach the goal need sorting.
    constexpr double kSlack = 1.0 - 1e-9;  // sums in another order round differently
    std::size_t last = 0;
    double covered = totals[0] * kSlack;
    while (last + 1 < kOctaves && covered < goal) covered += totals[++last] * kSlack;
    candidates.keep_if([&](const Candidate& candidate) { return octave(candidate.weight) <= last; });
    candidates.sort_by([](const Candidate& a, const Candidate& b) {
      return a.weight > b.weight || (a.weight == b.weight && a.token < b.token);
    });
    candidates.keep_first(count_to(goal, candidates.list()));
  }

 private:
  static std::size_t count_to(double goal, std::span<const Candidate> sorted) {
    double reached = 0.0;
    std::size_t count = 0;
    while (count < sorted.size()) {
      reached += sorted[count++].weight;
      if (reached >= goal) break;
    }
    return count;
  }

  float p_;
};

class MinP final : public session::StageOf<MinP> {
 public:
  explicit MinP(float p) : p_(options::checked<&SamplingOptions::min_p>(p)) {}
  std::string_view name() const override { return "min_p"; }

  void apply(Candidates& candidates, const SamplingContext&) override {
    if (p_ == 0.0F) return;
    double most = 0.0;
    for (const Candidate& candidate : candidates.weighted()) most = std::max(most, candidate.weight);
    const double least = static_cast<double>(p_) * most;
    candidates.keep_if([&](const Candidate& candidate) { return candidate.weight >= least; });
  }

 private:
  float p_;
};

class Xtc final : public session::StageOf<Xtc> {
 public:
  Xtc(float probability, float threshold)
      : probability_(options::checked<&SamplingOptions::xtc_probability>(probability)),
        threshold_(options::checked<&SamplingOptions::xtc_threshold>(threshold)) {}
  std::string_view name() const override { return "xtc"; }

  void apply(Candidates& candidates, const SamplingContext& context) override {
    if (!(context.rng.uniform() < static_cast<double>(probability_))) return;
    const double least = static_cast<double>(threshold_) * candidates.total_weight();
    // The last of those in question, in the order of likelihood.
    const Candidate* kept = nullptr;
    for (const Candidate& candidate : candidates.weighted()) {
      if (candidate.weight < least || candidate.weight == 0.0) continue;
      const bool later = kept == nullptr || candidate.weight < kept->weight ||
                         (candidate.weight == kept->weight && candidate.token > kept->token);
      if (later) kept = &candidate;
    }
    if (kept == nullptr) return;
    const Token token = kept->token;
    candidates.keep_if(
        [&](const Candidate& candidate) { return candidate.weight < least || candidate.token == token; });
  }

 private:
  float probability_;
  float threshold_;
};

}  // namespace

stages::Stage stages::temperature(float temperature) { return std::make_shared<Temperature>(temperature); }
stages::Stage stages::top_k(int k) { return std::make_shared<TopK>(k); }
stages::Stage stages::top_p(float p) { return std::make_shared<TopP>(p); }
stages::Stage stages::min_p(float p) { return std::make_shared<MinP>(p); }
stages::Stage stages::xtc(float probability, float threshold) { return std::make_shared<Xtc>(probability, threshold); }

}  // namespace pith
