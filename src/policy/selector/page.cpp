#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <vector>

#include "policy/allocators.h"
#include "policy/parameters.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

constexpr std::array kSpecs = {ParameterSpec{"max", 0, 0, 1, Numbers::kWhole}};

/// Tokens of one page that may go.
struct Candidates {
  std::vector<std::size_t> tokens;
  double sum = 0.0;
  float largest = std::numeric_limits<float>::lowest();
};

/// Keeps or evicts whole pages, so that evicting frees memory at once. Keeps the pages whose candidates have the
/// highest mean (or maximum) score; of equal ones the newest. A page that does not fit into the rest of the budget is
/// skipped in favour of the next that does. Protected tokens do not count for their page: it stays in memory for their
/// sake, but its other tokens are judged by their own scores.
class Page final : public TokenSelector {
 public:
  explicit Page(const Parameters& parameters) : max_(parameters.whole("max") == 1) {}

  void select(const HeadView& head, std::span<const float> scores, std::size_t budget,
              std::span<std::uint8_t> kept) const override {
    const std::vector<Candidates> pages = pages_of(head, scores, kept);
    std::vector<const Candidates*> order;
    order.reserve(pages.size());
    for (const Candidates& page : pages) order.push_back(&page);
    std::sort(order.begin(), order.end(), [&](const Candidates* a, const Candidates* b) {
      const double of_a = score_of(*a);
      const double of_b = score_of(*b);
      return of_a != of_b ? of_a > of_b : a->tokens.back() > b->tokens.back();
    });
    for (const Candidates* page : order) {
      if (page->tokens.size() > budget) continue;
      for (const std::size_t t : page->tokens) kept[t] = 1;
      budget -= page->tokens.size();
    }
  }

 private:
  static std::vector<Candidates> pages_of(const HeadView& head, std::span<const float> scores,
                                          std::span<const std::uint8_t> kept) {
    std::map<std::int32_t, Candidates> pages;
    for (std::size_t t = 0; t < head.tokens(); ++t) {
      if (kept[t] != 0) continue;
      Candidates& page = pages[head.pages[t]];
      const float score = finite_score(static_cast<double>(scores[t]));
      page.tokens.push_back(t);
      page.sum += static_cast<double>(score);
      page.largest = std::max(page.largest, score);
    }
    std::vector<Candidates> listed;
    listed.reserve(pages.size());
    for (auto& [number, page] : pages) listed.push_back(std::move(page));
    return listed;
  }

  double score_of(const Candidates& page) const {
    return max_ ? static_cast<double>(page.largest) : page.sum / static_cast<double>(page.tokens.size());
  }

  bool max_;
};

}  // namespace

SelectorPtr make_page(const PolicyParameters& parameters) {
  return std::make_unique<Page>(Parameters("selector \"page\"", kSpecs, parameters));
}

}  // namespace pith::policy
