#include "policy/apportion.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace pith::policy {
namespace {

/// The shares that are not decided yet.
class Division {
 public:
  Division(std::span<const double> weights, std::span<const std::size_t> capacities, std::size_t total,
           std::span<std::size_t> shares)
      : weights_(weights.begin(), weights.end()), capacities_(capacities), shares_(shares), rest_(total) {
    open_.resize(weights.size());
    std::iota(open_.begin(), open_.end(), std::size_t{0});
  }

  /// Fills every share whose ideal exceeds its capacity, repeatedly, until none does.
  void fill() {
    for (bool again = true; again && !open_.empty();) {
      measure();
      const auto full = [&](std::size_t i) { return ideal(i) >= static_cast<double>(capacities_[i]); };
      const auto end = std::stable_partition(open_.begin(), open_.end(), [&](std::size_t i) { return !full(i); });
      again = end != open_.end();
      std::size_t taken = 0;
      for (auto at = end; at != open_.end(); ++at) {
        shares_[*at] = std::min(capacities_[*at], rest_ - taken);
        taken += shares_[*at];
      }
      open_.erase(end, open_.end());
      rest_ -= taken;
    }
  }

  /// Rounds the remaining shares.
  void round() {
    std::vector<double> fractions(shares_.size(), 0.0);
    std::size_t left = rest_;
    for (const std::size_t i : open_) {
      shares_[i] = std::min(left, static_cast<std::size_t>(ideal(i)));
      fractions[i] = ideal(i) - std::floor(ideal(i));
      left -= shares_[i];
    }
    std::stable_sort(open_.begin(), open_.end(),
                     [&](std::size_t a, std::size_t b) { return fractions[a] > fractions[b]; });
    for (std::size_t n = 0; left > 0 && n < 2 * open_.size(); ++n) {
      const std::size_t i = open_[n % open_.size()];
      if (shares_[i] == capacities_[i]) continue;
      ++shares_[i];
      --left;
    }
  }

 private:
  void measure() {
    total_weight_ = 0.0;
    for (const std::size_t i : open_) total_weight_ += weights_[i];
    if (total_weight_ > 0.0) return;
    // Only shares of weight 0 are left: they are treated alike.
    for (const std::size_t i : open_) weights_[i] = 1.0;
    total_weight_ = static_cast<double>(open_.size());
  }

  double ideal(std::size_t i) const { return static_cast<double>(rest_) * weights_[i] / total_weight_; }

  std::vector<double> weights_;
  std::span<const std::size_t> capacities_;
  std::span<std::size_t> shares_;
  std::size_t rest_;
  std::vector<std::size_t> open_;
  double total_weight_ = 0.0;
};

}  // namespace

void apportion(std::span<const double> weights, std::span<const std::size_t> capacities, std::size_t total,
               std::span<std::size_t> shares) {
  const std::size_t most = std::accumulate(capacities.begin(), capacities.end(), std::size_t{0});
  Division division(weights, capacities, std::min(total, most), shares);
  division.fill();
  division.round();
}

}  // namespace pith::policy
