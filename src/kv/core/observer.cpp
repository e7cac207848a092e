#include "kv/core/observer.h"

#include <algorithm>
#include <array>

namespace pith::kv {
namespace {

/// softmax_quantize_rows() adds logarithms of scales of at least -2 to scores, so references may lie this far below
/// scores.
constexpr float kReferenceBelow = 2.0F;
constexpr float kReferenceFactor = 4.0F;

/// The probabilities that the queries of a group give the tokens of a cell.
struct GroupProbabilities {
  std::array<double, kPageTokens> mean{};
  std::array<double, kPageTokens> largest{};

  /// Takes weights [group, kPageTokens] and the sum of all weights of each row [group].
  GroupProbabilities(const float* weights, const float* sums, std::size_t group) {
    for (std::size_t g = 0; g < group; ++g, weights += kPageTokens) {
      const float share = kReferenceFactor / sums[g];
      for (std::size_t t = 0; t < kPageTokens; ++t) {
        const auto p = static_cast<double>(weights[t] * share);
        mean[t] += p;
        largest[t] = std::max(largest[t], p);
      }
    }
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      mean[t] = rounded(mean[t] / static_cast<double>(group));
      largest[t] = rounded(largest[t]);
    }
  }

 private:
  /// Rounds numbers up to 1 to multiples of 2^-30.
  static double rounded(double p) {
    constexpr double kUnitInLastPlace = 6291456.0;  // 1.5 * 2^22
    return p + kUnitInLastPlace - kUnitInLastPlace;
  }
};

/// Returns whether attention gathered for `one` also satisfies `other`.
bool gathers_for(const PolicyNeeds& one, const PolicyNeeds& other) {
  return one.queries == other.queries && one.reduce == other.reduce && one.group_max == other.group_max &&
         one.decay == other.decay && one.reconstruction == other.reconstruction;
}

}  // namespace

void Observer::begin_batch(std::size_t position, std::size_t tokens, std::size_t end) {
  weights_.assign(tokens, 0.0F);
  fade_ = 1.0F;
  if (needs_.queries == 0) return;
  const bool all = needs_.queries == PolicyNeeds::kAllQueries;
  const std::size_t newest = all ? end : static_cast<std::size_t>(needs_.queries);
  const std::size_t from = end - std::min(end, newest);
  for (std::size_t i = 0; i < tokens; ++i) {
    if (position + i < from) continue;
    float keep = needs_.decay;
    if (!all) {
      // A feed that contains all the queries that count makes everything gathered before obsolete.
      if (position + i == from) count_ = 0;
      if (count_ == 0) keep = 0.0F;
      if (count_ >= newest) keep *= 1.0F - 1.0F / static_cast<float>(newest);
    }
    fade_ *= keep;
    for (std::size_t j = 0; j < i; ++j) weights_[j] *= keep;
    weights_[i] = 1.0F;
    ++count_;
  }
}

bool Observer::counts(std::size_t first, std::size_t count) const {
  return std::any_of(weights_.begin() + static_cast<std::ptrdiff_t>(first),
                     weights_.begin() + static_cast<std::ptrdiff_t>(first + count), [](float w) { return w > 0.0F; });
}

void Observer::fade(std::size_t head, std::size_t cells) {
  std::vector<double>& gathered = gathered_[head];
  if (gathered.size() < cells * kPageTokens) gathered.resize(cells * kPageTokens);
  if (fade_ == 1.0F) return;
  for (double& x : gathered) x *= static_cast<double>(fade_);
}

void Observer::combine(double& into, double x) const {
  into = needs_.reduce == PolicyNeeds::Reduce::kMax ? std::max(into, x) : into + x;
}

void Observer::take(std::size_t head, std::span<const double> part) {
  for (std::size_t i = 0; i < part.size(); ++i) combine(gathered_[head][i], part[i]);
}

void Observer::move_to_prefix(std::size_t head, std::size_t count) {
  double* prefix = gathered_[head].data();
  double* page = prefix + cell_of_slot(0) * kPageTokens;
  for (std::size_t t = 0; t < count; ++t) {
    combine(prefix[t], page[t]);
    page[t] = 0.0;
  }
}

void Observer::clear() {
  count_ = 0;
  for (std::vector<double>& gathered : gathered_) gathered.clear();
}

void Observers::add(const PolicyNeeds& needs, std::size_t heads) {
  if (needs.queries != 0 && find(needs) == nullptr) list_.emplace_back(needs, heads);
}

const Observer* Observers::find(const PolicyNeeds& needs) const {
  const auto found = std::find_if(list_.begin(), list_.end(),
                                  [&](const Observer& observer) { return gathers_for(observer.needs(), needs); });
  return found == list_.end() ? nullptr : &*found;
}

void Observers::remove(const PolicyNeeds& needs) {
  std::erase_if(list_, [&](const Observer& observer) { return gathers_for(observer.needs(), needs); });
}

void Observers::begin_batch(std::size_t position, std::size_t tokens, std::size_t end) {
  for (Observer& observer : list_) observer.begin_batch(position, tokens, end);
}

bool Observers::counts(std::size_t first, std::size_t count) const {
  return std::any_of(list_.begin(), list_.end(), [&](const Observer& o) { return o.counts(first, count); });
}

void Observers::clear() {
  for (Observer& observer : list_) observer.clear();
}

std::size_t Observers::bytes() const {
  std::size_t bytes = 0;
  for (const Observer& observer : list_) {
    for (std::size_t head = 0; head < observer.heads(); ++head)
      bytes += observer.gathered(head).size() * sizeof(double);
  }
  return bytes;
}

void gather(const kernels::KernelTable& kernels, const Observers& observers, const ObservedScores& observed,
            const SoftmaxRows& rows, std::span<double> parts) {
  const std::size_t length = observed.cells * kPageTokens;
  std::fill(parts.begin(), parts.end(), 0.0);
  std::vector<float> references(rows.rows);
  std::vector<float> sums(rows.rows);
  for (std::size_t cell = 0; cell < observed.cells; ++cell) {
    float* scores = observed.scores + cell * rows.rows * kPageTokens;
    for (std::size_t r = 0; r < rows.rows; ++r) references[r] = rows.references[r] + kReferenceBelow;
    kernels::SoftmaxStep step = {scores,      kPageTokens, rows.rows, kPageTokens, nullptr, references.data(),
                                 sums.data(), nullptr,     0};
    kernels.softmax_rows(step);
    for (std::size_t r = 0; r < rows.rows; r += observed.group) {
      const std::size_t token = observed.first_token + r / observed.group;
      const GroupProbabilities probabilities(scores + r * kPageTokens, rows.sums + r, observed.group);
      for (std::size_t o = 0; o < observers.list().size(); ++o) {
        const Observer& observer = observers.list()[o];
        const auto weight = static_cast<double>(observer.weight(token));
        if (weight == 0.0) continue;
        double* to = &parts[o * length + cell * kPageTokens];
        const auto& from = observer.needs().group_max ? probabilities.largest : probabilities.mean;
        for (std::size_t t = 0; t < kPageTokens; ++t) observer.combine(to[t], weight * from[t]);
      }
    }
  }
}

}  // namespace pith::kv
