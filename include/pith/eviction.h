#pragma once

#include <pith/export.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::inline v0_1 {

/// What a policy wants to see. What no policy asks for is not computed.
struct PolicyNeeds {
  /// How the probabilities of several queries come together for a token.
  enum class Reduce { kSum, kMax };

  /// Attention probabilities of how many of the newest queries; 0: of none, kAllQueries: of all. Once that many have
  /// come, each further query lets what was gathered fade by 1/queries.
  int queries = 0;
  static constexpr int kAllQueries = -1;
  Reduce reduce = Reduce::kSum;
  /// Of the group's queries the largest probability counts, not the mean.
  bool group_max = false;
  /// What each further query leaves of what was gathered before, in (0, 1].
  float decay = 1.0F;
  /// HeadView::keys and HeadView::values, read back from the stored pages.
  bool keys = false;
  bool values = false;
  /// HeadView::queries.
  bool query_statistics = false;
  /// Before a decision the context is fed once more behind a prompt that asks to repeat it, and the attention that it
  /// gets from there is what HeadView::attention holds (KVzip, arXiv 2505.23416). `queries` is kAllQueries then.
  bool reconstruction = false;

  bool operator==(const PolicyNeeds&) const = default;
};

/// How positions turn vectors: pair i of a head is turned by `frequencies[i]` radians a position.
struct RotaryView {
  std::span<const double> frequencies{};
  /// True: pair i is elements 2i and 2i + 1. False: elements i and i + frequencies.size().
  bool adjacent = false;
};

/// Queries that a KV head's group has sent so far, taken back to position 0.
struct QueryStatistics {
  std::size_t count = 0;                ///< Queries behind each mean.
  std::span<const float> mean{};        ///< [group, key_size]
  std::span<const float> covariance{};  ///< [group, key_size, key_size]
  RotaryView rotary{};
};

/// One KV head of one layer at a decision: the tokens it holds, in rising order of position.
struct HeadView {
  int layer = 0;
  int kv_head = 0;
  int layers = 0;
  int kv_heads = 0;
  /// Of the next token.
  int position = 0;
  std::span<const std::int32_t> positions{};  ///< [tokens]
  /// The page of memory that a token lies in; tokens of one page are freed together.
  std::span<const std::int32_t> pages{};  ///< [tokens]
  /// Probabilities that the group's queries gave the token: the mean (or PolicyNeeds::group_max) over the group,
  /// reduced over queries as asked.
  std::span<const float> attention{};  ///< [tokens] or empty
  std::span<const float> keys{};       ///< [tokens, key_size] or empty; positions are in them (RoPE)
  std::span<const float> values{};     ///< [tokens, value_size] or empty
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  /// Multiplies query . key.
  float scale = 1.0F;
  const QueryStatistics* queries = nullptr;  ///< Or null.
  /// For policies that draw: the same at the same decision of the same session.
  std::uint64_t seed = 0;

  std::size_t tokens() const noexcept { return positions.size(); }
};

/// Says which tokens matter. Immutable: heads are scored from several threads at once.
class PITH_EXPORT EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;

  virtual PolicyNeeds needs() const { return {}; }
  /// Scores [tokens]: the lowest go first. Equal ones go oldest first. Finite.
  virtual void score(const HeadView& head, std::span<float> scores) const = 0;
  /// Sets what must stay whatever its score, [tokens], on top of sinks and the recent window.
  virtual void protect(const HeadView& head, std::span<std::uint8_t> kept) const;
  /// The allocator that belongs to it where the options name none.
  virtual std::string_view allocator() const { return "uniform"; }
};

/// What an allocator sees of a head.
struct HeadScores {
  int layer = 0;
  int kv_head = 0;
  /// Of the tokens that may go, in any order.
  std::span<const float> scores{};
};

/// Says how many tokens each KV head keeps of those that may go. Immutable.
class PITH_EXPORT BudgetAllocator {
 public:
  virtual ~BudgetAllocator() = default;

  /// Heads are ordered by layer; layers with a sliding window are not among them. budgets [heads], at most
  /// heads[i].scores.size() each and `total` together.
  virtual void allocate(std::span<const HeadScores> heads, std::size_t total, std::span<std::size_t> budgets) const = 0;
};

/// Says which tokens of a head stay, given their scores. Immutable.
class PITH_EXPORT TokenSelector {
 public:
  virtual ~TokenSelector() = default;

  /// Sets kept [tokens] for at most `budget` tokens of those that are not set yet: what is set on entry stays.
  virtual void select(const HeadView& head, std::span<const float> scores, std::size_t budget,
                      std::span<std::uint8_t> kept) const = 0;
};

/// Numbers by name, for policies that take some: "decay", "window", …
using PolicyParameters = std::map<std::string, double, std::less<>>;

/// Makes a part; throws Error(kInvalidArgument) for a parameter that it does not know or that is out of range.
using PolicyFactory = std::function<std::unique_ptr<const EvictionPolicy>(const PolicyParameters& parameters)>;
using AllocatorFactory = std::function<std::unique_ptr<const BudgetAllocator>(const PolicyParameters& parameters)>;
using SelectorFactory = std::function<std::unique_ptr<const TokenSelector>(const PolicyParameters& parameters)>;

/// Policies, allocators and selectors of your own, by name: give it to EvictionOptions or to run_command() and they are
/// used like built-in ones. Not synchronized: fill it first, share it then.
class PITH_EXPORT EvictionRegistry {
 public:
  /// Each throws Error(kInvalidArgument) for a name that is empty, taken, built in or has one of "/,:=" or a space.
  void add_policy(std::string name, PolicyFactory make);
  void add_allocator(std::string name, AllocatorFactory make);
  void add_selector(std::string name, SelectorFactory make);
  /// Null if there is none of that name.
  const PolicyFactory* find_policy(std::string_view name) const;
  const AllocatorFactory* find_allocator(std::string_view name) const;
  const SelectorFactory* find_selector(std::string_view name) const;
  std::vector<std::string> policies() const;
  std::vector<std::string> allocators() const;
  std::vector<std::string> selectors() const;

 private:
  std::map<std::string, PolicyFactory, std::less<>> policies_;
  std::map<std::string, AllocatorFactory, std::less<>> allocators_;
  std::map<std::string, SelectorFactory, std::less<>> selectors_;
};

/// Names of what is built in.
PITH_EXPORT std::vector<std::string> builtin_policies();
PITH_EXPORT std::vector<std::string> builtin_allocators();
PITH_EXPORT std::vector<std::string> builtin_selectors();

/// A part by name, of the registry if it has one of that name, else built in. Throws Error(kUnsupported) that lists the
/// known names, and what its factory throws.
PITH_EXPORT std::unique_ptr<const EvictionPolicy> make_policy(std::string_view name,
                                                              const PolicyParameters& parameters = {},
                                                              const EvictionRegistry* registry = nullptr);
PITH_EXPORT std::unique_ptr<const BudgetAllocator> make_allocator(std::string_view name,
                                                                  const PolicyParameters& parameters = {},
                                                                  const EvictionRegistry* registry = nullptr);
PITH_EXPORT std::unique_ptr<const TokenSelector> make_selector(std::string_view name,
                                                               const PolicyParameters& parameters = {},
                                                               const EvictionRegistry* registry = nullptr);

/// What a session forgets, and when. Positions stay what they were; layers with a sliding window are left alone.
struct EvictionOptions {
  /// By name (builtin_policies()); empty: nothing is evicted.
  std::string policy{};
  PolicyParameters parameters{};
  /// Empty: what belongs to the policy.
  std::string allocator{};
  PolicyParameters allocator_parameters{};
  std::string selector = "token";
  /// Tokens that a KV head holds at most, on average over the heads of the layers without a window; 0: no limit but
  /// that of bytes. Without both, compact() alone evicts.
  std::size_t budget_tokens = 0;
  /// Bytes that the session's cache holds at most; 0: no limit but that of tokens.
  std::uint64_t budget_bytes = 0;
  /// First tokens of the sequence that always stay (attention sinks, StreamingLLM, arXiv 2309.17453).
  std::size_t sinks = 4;
  /// Newest tokens that always stay.
  std::size_t recent = 64;
  /// Tokens between decisions, a multiple of 64: each makes room for so many. Decisions fall on multiples of it
  /// whatever the batches, so results do not depend on these.
  std::size_t interval = 128;
  /// Policies whose needs are observed as well, so that Session::compact() may use them.
  std::vector<std::string> observe{};
  std::uint64_t seed = 0;
  std::shared_ptr<const EvictionRegistry> registry{};
};

}  // namespace pith::inline v0_1
