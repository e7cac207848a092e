#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>

#include "session/log_positive.h"
#include "session/stages/stage.h"

namespace pith {
namespace {

constexpr double kLn2 = 0x1.62e42fefa39efp-1;

/// The sum of weights, relative to the largest of them.
double relative_total(Candidates& candidates) {
  double most = 0.0;
  for (const Candidate& candidate : candidates.weighted()) most = std::max(most, candidate.weight);
  return candidates.total_weight() / most;
}

class Mirostat final : public session::StageOf<Mirostat> {
 public:
  Mirostat(float tau, float eta)
      : tau_(static_cast<double>(options::checked<&SamplingOptions::mirostat_tau>(tau))),
        eta_(static_cast<double>(options::checked<&SamplingOptions::mirostat_eta>(eta))),
        mu_(2.0 * tau_) {}
  std::string_view name() const override { return "mirostat"; }

  void apply(Candidates& candidates, const SamplingContext&) override {
    // With x = (logit - largest) / temperature, the surprise in bits is (ln(sum of e^x) - x) / ln 2.
    top_ = static_cast<double>(candidates.largest());
    sharpness_ = 1.0 / candidates.temperature();
    log_total_ = session::log_positive(relative_total(candidates));
    const auto is_kept = [&](const Candidate& candidate) { return surprise(candidate) <= mu_; };
    const auto list = candidates.list();
    if (std::none_of(list.begin(), list.end(), is_kept)) return candidates.keep_top(1);
    candidates.keep_if(is_kept);
  }

  void accept(const Candidate& drawn) override {
    mu_ -= eta_ * (surprise(drawn) - tau_);
    // Else it would stay what it is for ever.
    constexpr double kMost = 0x1p1000;
    mu_ = std::clamp(mu_, -kMost, kMost);
  }

  std::vector<std::byte> state() const override {
    std::vector<std::byte> bytes(sizeof mu_);
    std::memcpy(bytes.data(), &mu_, sizeof mu_);
    return bytes;
  }

  void set_state(std::span<const std::byte> state) override {
    if (state.size() != sizeof mu_)
      fail(ErrorKind::kFormat, "the state of mirostat has {} bytes, must be {}", state.size(), sizeof mu_);
    double mu = 0.0;
    std::memcpy(&mu, state.data(), sizeof mu);
    if (!(mu >= -std::numeric_limits<double>::max() && mu <= std::numeric_limits<double>::max()))
      fail(ErrorKind::kFormat, "the state of mirostat is {}, must be finite", mu);
    mu_ = mu;
  }

 private:
  double surprise(const Candidate& candidate) const {
    return (log_total_ - (static_cast<double>(candidate.logit) - top_) * sharpness_) / kLn2;
  }

  double tau_;
  double eta_;
  double mu_;
  double top_ = 0.0;
  double sharpness_ = 1.0;
  double log_total_ = 0.0;
};

}  // namespace

stages::Stage stages::mirostat(float tau, float eta) { return std::make_shared<Mirostat>(tau, eta); }

}  // namespace pith
