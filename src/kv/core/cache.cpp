#include "kv/core/cache.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "base/fail.h"

namespace pith::kv {
namespace {

void check(const LayerShape& shape) {
  if (shape.kv_heads == 0 || shape.heads % shape.kv_heads != 0) {
    fail(ErrorKind::kInvalidArgument, "{} query heads do not divide into {} KV heads", shape.heads, shape.kv_heads);
  }
}

/// Layers with the same codec, size and window share one configuration of a side.
class SideConfigs {
 public:
  SideConfigs(const CodecRegistry* registry, const kernels::KernelTable& kernels)
      : registry_(registry), kernels_(kernels) {}

  std::shared_ptr<const SideConfig> make(const std::string& codec, const CodecShape& shape, std::size_t window) {
    std::shared_ptr<const SideConfig>& config = made_[{shape.side, codec, shape.size, window}];
    if (!config) config = std::make_shared<const SideConfig>(codec, shape, kernels_, registry_, window);
    return config;
  }

 private:
  const CodecRegistry* registry_;
  const kernels::KernelTable& kernels_;
  std::map<std::tuple<KvSide, std::string, std::size_t, std::size_t>, std::shared_ptr<const SideConfig>> made_;
};

template <typename HeadPointer, typename Layers>
std::vector<HeadPointer> heads_of(Layers layers, bool global_only) {
  std::vector<HeadPointer> heads;
  for (auto& layer : layers) {
    if (global_only && !layer.global()) continue;
    for (auto& head : layer.heads()) heads.push_back(&head);
  }
  return heads;
}

}  // namespace

Cache::Cache(const CacheOptions& options, const kernels::KernelTable& kernels)
    : options_(std::make_shared<const CacheOptions>(options)), kernels_(&kernels) {
  SideConfigs sides(options.codecs.get(), kernels);
  std::size_t heads = 0;
  for (const LayerOptions& layer : options.layers) {
    const LayerShape& shape = layer.shape;
    check(shape);
    LayerConfig config;
    config.number = layers_.size();
    config.shape = shape;
    config.sides = {sides.make(layer.key, {KvSide::kKeys, shape.key_size}, shape.window),
                    sides.make(layer.value, {KvSide::kValues, shape.value_size}, shape.window)};
    config.kernels = kernels_;
    config.rotary = layer.rotary;
    config.pages = options.pages;
    config.reads_sparsely = options.sparse.on() && config.global();
    if (options.ranks != nullptr) config.stripes = {options.ranks->rank(), options.ranks->count()};
    layers_.emplace_back(std::make_shared<const LayerConfig>(std::move(config)), heads);
    heads += shape.kv_heads;
  }
  if (!options.states.empty()) states_ = States(options.states);
  for (const PolicyNeeds& needs : options.observed) observe(needs);
  reset_heads();
}

std::vector<Head*> Cache::heads() { return heads_of<Head*>(layers(), false); }
std::vector<const Head*> Cache::heads() const { return heads_of<const Head*>(layers(), false); }
std::vector<Head*> Cache::global_heads() { return heads_of<Head*>(layers(), true); }
std::vector<const Head*> Cache::global_heads() const { return heads_of<const Head*>(layers(), true); }

bool Cache::any_keys_rotated() const {
  return std::any_of(layers_.begin(), layers_.end(),
                     [](const Layer& layer) { return layer.keys().rotation() != nullptr; });
}

bool Cache::any_keys_read_split_queries() const {
  return std::any_of(layers_.begin(), layers_.end(),
                     [](const Layer& layer) { return layer.keys().reads_split_queries(); });
}

void Cache::reset_heads() {
  const bool rotated = any_keys_rotated();
  for (Layer& layer : layers_) {
    const LayerShape& shape = layer.shape();
    for (Head& head : layer.heads()) {
      head = Head(layer.config(), head.number(), head.index());
      if (rotated) head.basis = KeyBasis(shape.key_size);
      if (query_sums_ && layer.global()) head.query_sums = QuerySums(shape.group(), shape.key_size);
    }
  }
  promotion_bytes_ = promotion_budget();
}

Cache Cache::emptied() const {
  Cache empty = *this;
  empty.clear();
  return empty;
}

double Cache::promotion_budget() const {
  double bytes = 0.0;
  for (const Layer& layer : layers_) {
    const SideConfig& keys = layer.keys();
    bytes += keys.tiers().promotion_share * static_cast<double>(layer.shape().kv_heads * keys.codec().page_bytes());
  }
  return bytes;
}

void Cache::clear() {
  observers_.clear();
  reset_heads();
  holes_ = {};
  borrowed_.clear();
  states_.clear();
  tokens_ = 0;
}

std::size_t Cache::length() const {
  std::size_t length = tokens_ - holes_.missing();
  for (const Borrowed& other : borrowed_) length += other.cache->length();
  return length;
}

void Cache::observe(const PolicyNeeds& needs) {
  // What a reconstruction gives is gathered in a fork: observing().
  if (!needs.reconstruction) observers_.add(needs, heads().size());
  if (!needs.query_statistics || query_sums_) return;
  query_sums_ = true;
  reset_heads();
}

Cache Cache::observing(const PolicyNeeds& needs) const {
  Cache fork = *this;
  fork.observers_ = Observers();
  fork.observers_.add(needs, heads().size());
  fork.query_sums_ = false;
  for (Head* head : fork.heads()) head->query_sums = QuerySums();
  return fork;
}

void take_from_fork(Observer& into, const Cache& cache, const Cache& fork) {
  const Observer& from = fork.observers().list().front();
  for (const Head* head : cache.heads()) {
    // Cells of the cache's own tokens come first in the fork as well.
    const std::size_t cells = head->slots.cells();
    const std::vector<double>& gathered = from.gathered(head->index());
    into.fade(head->index(), cells);
    into.take(head->index(), std::span(gathered).first(std::min(gathered.size(), cells * kPageTokens)));
  }
}

}  // namespace pith::kv
