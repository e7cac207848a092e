#include <utility>
#include <vector>

#include "session/stages/stage.h"

namespace pith {
namespace {

class Bias final : public session::StageOf<Bias> {
 public:
  explicit Bias(const std::map<Token, float>& bias) : bias_(bias.begin(), bias.end()) {
    for (const auto& [token, value] : bias_) {
      if (token < 0) fail(ErrorKind::kInvalidArgument, "logit_bias names token {}, must be at least 0", token);
      // Minus infinity bans a token.
      if (!(value < std::numeric_limits<float>::infinity()))
        fail(ErrorKind::kInvalidArgument, "logit_bias of token {} is {}, must be a number or -inf", token, value);
    }
  }
  std::string_view name() const override { return "logit_bias"; }
  std::size_t buffer_bytes() const noexcept override { return session::vector_bytes(bias_); }

  void apply(Candidates& candidates, const SamplingContext&) override {
    for (const auto& [token, value] : bias_) candidates.set_logit(token, candidates.logit(token) + value);
  }

 private:
  std::vector<std::pair<Token, float>> bias_;
};

}  // namespace

stages::Stage stages::logit_bias(const std::map<Token, float>& bias) { return std::make_shared<Bias>(bias); }

}  // namespace pith
