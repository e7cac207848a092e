#pragma once

#include <pith/eviction_options.h>
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

/// What a policy needs to see. What no policy asks for is not computed.
struct PolicyNeeds {
  /// How a token's probabilities from several queries are combined.
  enum class Reduce { kSum, kMax };

  /// How many of the newest queries contribute attention probabilities. 0: none; kAllQueries: all. Beyond that count
  /// older contributions decay by 1/queries per query.
  int queries = 0;
  static constexpr int kAllQueries = -1;
  Reduce reduce = Reduce::kSum;
  /// Takes the largest probability over the query heads of the group instead of the mean.
  bool group_max = false;
  /// Factor by which each query multiplies what was gathered before it, in (0, 1].
  float decay = 1.0F;
  /// Fill HeadView::keys and HeadView::values, decoded from the stored pages.
  bool keys = false;
  bool values = false;
  /// Fill HeadView::queries.
  bool query_statistics = false;
  /// Before a decision, feed the context once more after a prompt that asks to repeat it; HeadView::attention holds the
  /// attention that the context receives from that pass (KVzip, arXiv 2505.23416). `queries` must be kAllQueries. Costs
  /// at least another prefill.
  bool reconstruction = false;

  bool operator==(const PolicyNeeds&) const = default;
};

/// How positions rotate vectors (RoPE): pair i of a head is rotated by `frequencies[i]` radians per position.
struct RotaryView {
  std::span<const double> frequencies{};
  /// True: pair i is elements 2i and 2i + 1. False: elements i and i + frequencies.size().
  bool interleaved = false;
};

/// Moments of the queries that a KV head's group has sent so far, each rotated back to position 0.
struct QueryStatistics {
  std::size_t count = 0;                ///< Queries in each mean.
  std::span<const float> mean{};        ///< [group, key_size]
  std::span<const float> covariance{};  ///< [group, key_size, key_size]
  RotaryView rotary{};
};

/// One KV head of one layer at a decision: the tokens that it holds, in ascending order of position.
struct HeadView {
  int layer = 0;
  int kv_head = 0;
  int layers = 0;
  int kv_heads = 0;
  /// Position of the next token.
  int position = 0;
  std::span<const std::int32_t> positions{};  ///< [tokens]
  /// A number that tokens in the same page of memory share: their memory is freed together.
  std::span<const std::int32_t> pages{};  ///< [tokens]
  /// Probabilities that the group's queries gave each token: the mean (or, with PolicyNeeds::group_max, the maximum)
  /// over the group, combined over queries by PolicyNeeds::reduce.
  std::span<const float> attention{};  ///< [tokens] or empty
  std::span<const float> keys{};       ///< [tokens, key_size] or empty; with RoPE applied
  std::span<const float> values{};     ///< [tokens, value_size] or empty
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  /// Multiplies query . key.
  float scale = 1.0F;
  const QueryStatistics* queries = nullptr;  ///< Null unless asked for.
  /// For policies that draw random numbers: the same at the same decision of the same session.
  std::uint64_t seed = 0;

  std::size_t tokens() const noexcept { return positions.size(); }
};

/// Scores the tokens of a KV head. Immutable: heads are scored from several threads at once. What its functions throw
/// leaves the session's call unchanged, as the type that was thrown (std::bad_alloc may come out as
/// Error(kOutOfMemory)). The same holds for allocators and selectors of your own.
class PITH_EXPORT EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;

  virtual PolicyNeeds needs() const { return {}; }
  /// Writes a score per token, [tokens]. The lowest are evicted first, equal ones oldest first. Scores must be finite:
  /// NaN and infinities are refused with Error(kInvalidArgument) that names policy, layer, head and position.
  virtual void score(const HeadView& head, std::span<float> scores) const = 0;
  /// Sets kept [tokens] to 1 for tokens that must stay whatever their score, besides the first (EvictionOptions::sinks)
  /// and the recent ones, which are set on entry.
  virtual void protect(const HeadView& head, std::span<std::uint8_t> kept) const;
  /// Name of the allocator to use where the options name none.
  virtual std::string_view allocator() const { return "uniform"; }
};

/// What an allocator sees of a KV head.
struct HeadScores {
  int layer = 0;
  int kv_head = 0;
  /// Scores of the tokens that may go, in any order.
  std::span<const float> scores{};
};

/// Decides how many of the tokens that may go each KV head keeps. Immutable.
class PITH_EXPORT BudgetAllocator {
 public:
  virtual ~BudgetAllocator() = default;

  /// Writes budgets [heads]: at most heads[i].scores.size() each, and at most `total` in sum. Heads are ordered by
  /// layer; layers with a sliding window are not included.
  virtual void allocate(std::span<const HeadScores> heads, std::size_t total, std::span<std::size_t> budgets) const = 0;
};

/// Decides which tokens of a head stay, given their scores. Immutable.
class PITH_EXPORT TokenSelector {
 public:
  virtual ~TokenSelector() = default;

  /// Sets kept [tokens] to 1 for at most `budget` tokens that are not set yet. What is set on entry stays set.
  virtual void select(const HeadView& head, std::span<const float> scores, std::size_t budget,
                      std::span<std::uint8_t> kept) const = 0;
};

/// Makes a part. Throws Error(kInvalidArgument) for a parameter that it does not know or that is out of range.
using PolicyFactory = std::function<std::unique_ptr<const EvictionPolicy>(const PolicyParameters& parameters)>;
using AllocatorFactory = std::function<std::unique_ptr<const BudgetAllocator>(const PolicyParameters& parameters)>;
using SelectorFactory = std::function<std::unique_ptr<const TokenSelector>(const PolicyParameters& parameters)>;

/// Your own policies, allocators and selectors by name. Give it to EvictionOptions::registry or to run_command(), and
/// to SnapshotOptions::eviction when a session that used one is restored: a snapshot holds names only. Not
/// synchronized: fill it before you share it.
class PITH_EXPORT EvictionRegistry {
 public:
  /// Each throws Error(kInvalidArgument) for a name that is empty, taken, built in, or contains one of "/,:=" or a
  /// space, and for a null factory.
  void add_policy(std::string name, PolicyFactory make);
  void add_allocator(std::string name, AllocatorFactory make);
  void add_selector(std::string name, SelectorFactory make);
  /// Each returns null if there is none of that name.
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

/// Names of the built-in parts.
PITH_EXPORT std::vector<std::string> builtin_policies();
PITH_EXPORT std::vector<std::string> builtin_allocators();
PITH_EXPORT std::vector<std::string> builtin_selectors();

/// Makes a part by name, from the registry if it has that name, else a built-in one. Throws Error(kUnsupported) that
/// lists the known names, and what the factory throws.
PITH_EXPORT std::unique_ptr<const EvictionPolicy> make_policy(std::string_view name,
                                                              const PolicyParameters& parameters = {},
                                                              const EvictionRegistry* registry = nullptr);
PITH_EXPORT std::unique_ptr<const BudgetAllocator> make_allocator(std::string_view name,
                                                                  const PolicyParameters& parameters = {},
                                                                  const EvictionRegistry* registry = nullptr);
PITH_EXPORT std::unique_ptr<const TokenSelector> make_selector(std::string_view name,
                                                               const PolicyParameters& parameters = {},
                                                               const EvictionRegistry* registry = nullptr);

}  // namespace pith::inline v0_1
