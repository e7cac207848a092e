// An eviction policy of your own: what a token gets of attention, times what it would add.
//   example_custom_policy model.gguf "Once upon a time" 256
#include <pith/pith.h>

#include <cmath>
#include <iostream>

/// Value-aware pruning (arXiv 2406.12335): attention of the last queries times the L1 norm of the value.
class ValueAware : public pith::EvictionPolicy {
 public:
  explicit ValueAware(int queries) : queries_(queries) {}

  pith::PolicyNeeds needs() const override { return {.queries = queries_, .values = true}; }

  void score(const pith::HeadView& head, std::span<float> scores) const override {
    for (std::size_t t = 0; t < head.tokens(); ++t) {
      float norm = 0.0F;
      for (const float x : head.values.subspan(t * head.value_size, head.value_size)) norm += std::abs(x);
      scores[t] = head.attention[t] * norm;
    }
  }

 private:
  int queries_;
};

std::unique_ptr<const pith::EvictionPolicy> make_value_aware(const pith::PolicyParameters& parameters) {
  int queries = 64;
  for (const auto& [name, value] : parameters) {
    if (name != "queries" || !(value >= 1 && value <= 4096)) {
      throw pith::Error(pith::ErrorKind::kInvalidArgument, "value-aware takes \"queries\" only, from 1 to 4096");
    }
    queries = static_cast<int>(value);
  }
  return std::make_unique<ValueAware>(queries);
}

int main(int argc, char** argv) {
  try {
    auto registry = std::make_shared<pith::EvictionRegistry>();
    registry->add_policy("value-aware", make_value_aware);
    pith::SessionOptions options{.kv = {.key = "int4"}};
    options.eviction = {.policy = "value-aware", .parameters = {{"queries", 32}}, .registry = registry};
    options.eviction.budget_tokens = argc > 3 ? std::stoul(argv[3]) : 256;
    pith::Session session(pith::Model::load(argc > 1 ? argv[1] : "model.gguf"), options);
    std::cout << session.generate(argc > 2 ? argv[2] : "Once upon a time", {.tokens_max = 64}).text << '\n';
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
