#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/random_rows.h"
#include "kernels/select.h"

// What recurrent layers do token by token, against their definitions in double.
namespace pith::kernels {
namespace {

using test::random_floats;

class Recurrent : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
};

double at(const std::vector<float>& values, std::size_t i) { return static_cast<double>(values[i]); }

/// Returns the convolution of lane `lane` at token `m`: `before` are the inputs so far, `x` those of the call.
double convolved(const std::vector<float>& weights, std::size_t taps, const std::vector<float>& before,
                 const std::vector<float>& x, std::size_t stride, std::size_t m, std::size_t lane) {
  double sum = 0;
  for (std::size_t tap = 0; tap < taps; ++tap) {
    const std::size_t token = m + tap;  // Counted from the first of `before`.
    const double input =
        token < taps - 1 ? at(before, token * kLanes + lane) : at(x, (token - (taps - 1)) * stride + lane);
    sum += at(weights, tap * kLanes + lane) * input;
  }
  return sum;
}

TEST_P(Recurrent, ConvolvesOverWhatCameBefore) {
  constexpr std::size_t kStride = 40;
  for (const std::size_t taps : {2UL, 3UL, 4UL, 7UL}) {
    for (const std::size_t tokens : {1UL, 2UL, 5UL, 30UL}) {
      for (const bool activate : {false, true}) {
        const auto weights = random_floats(taps * kLanes, taps);
        const auto bias = random_floats(kLanes, 3);
        const auto before = random_floats((taps - 1) * kLanes, 4);
        const auto x = random_floats(tokens * kStride, 5);
        auto out = x;
        auto history = before;
        k().convolve({weights.data(), activate ? bias.data() : nullptr, taps, activate}, history.data(),
                     {out.data(), tokens, kStride});
        for (std::size_t m = 0; m < tokens; ++m) {
          for (std::size_t lane = 0; lane < kStride; ++lane) {
            double expected =
                lane < kLanes ? convolved(weights, taps, before, x, kStride, m, lane) : at(x, m * kStride + lane);
            if (activate && lane < kLanes) {
              expected += at(bias, lane);
              expected /= 1.0 + std::exp(-expected);
            }
            EXPECT_NEAR(at(out, m * kStride + lane), expected, 1e-5) << taps << " taps, token " << m;
          }
        }
        for (std::size_t i = 0; i < history.size(); ++i) {
          const std::size_t token = tokens + i / kLanes;
          const double kept = token < taps - 1 ? at(before, token * kLanes + i % kLanes)
                                               : at(x, (token - (taps - 1)) * kStride + i % kLanes);
          EXPECT_EQ(at(history, i), kept);
        }
      }
    }
  }
}

/// Inputs of a state's update, and what they give.
struct StateCase {
  explicit StateCase(std::size_t token_count, std::size_t key_count)
      : tokens(token_count),
        keys(key_count),
        stride(2 * key_count + kLanes + 3),
        channels(random_floats(token_count * stride, key_count, 0.3F)),
        rates(random_floats(2 * token_count, 7, 0.1F)),
        state(random_floats(key_count * kLanes, 8)) {
    for (std::size_t i = 0; i < rates.size(); ++i) rates[i] += i % 2 == 0 ? 0.8F : 0.5F;
  }

  StateRows rows(float* out) const {
    return {tokens, keys, &channels[0], &channels[keys], &channels[2 * keys], stride, &rates[0], &rates[1],
            2,      skip, out,          kLanes};
  }

  /// Runs the definition; returns [tokens][16] and leaves the state in `held`.
  std::vector<double> expected(bool delta, std::vector<double>& held) const {
    held.assign(state.begin(), state.end());
    std::vector<double> out;
    for (std::size_t m = 0; m < tokens; ++m) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const double value = at(channels, m * stride + 2 * keys + lane);
        double before = 0;
        for (std::size_t i = 0; i < keys; ++i) {
          held[i * kLanes + lane] *= at(rates, 2 * m);
          before += held[i * kLanes + lane] * at(channels, m * stride + i);
        }
        const double written = at(rates, 2 * m + 1) * (value - (delta ? before : 0.0));
        double read = static_cast<double>(skip) * value;
        for (std::size_t i = 0; i < keys; ++i) {
          held[i * kLanes + lane] += written * at(channels, m * stride + i);
          read += held[i * kLanes + lane] * at(channels, m * stride + keys + i);
        }
        out.push_back(read);
      }
    }
    return out;
  }

  std::size_t tokens, keys, stride;
  std::vector<float> channels, rates, state;
  float skip = 0.25F;
};

TEST_P(Recurrent, UpdatesAndReadsStates) {
  for (const bool delta : {true, false}) {
    for (const std::size_t keys : {4UL, 16UL, 48UL, 128UL}) {
      for (const std::size_t tokens : {1UL, 3UL, 20UL}) {
        const StateCase given(tokens, keys);
        std::vector<double> held;
        const std::vector<double> expected = given.expected(delta, held);
        std::vector<float> out(tokens * kLanes);
        std::vector<float> state = given.state;
        (delta ? k().delta_rule : k().state_space)(given.rows(out.data()), state.data());
        for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(at(out, i), expected[i], 2e-4) << keys << " keys";
        for (std::size_t i = 0; i < state.size(); ++i) EXPECT_NEAR(at(state, i), held[i], 2e-4) << keys << " keys";
      }
    }
  }
}

/// A prompt may be cut anywhere.
TEST_P(Recurrent, TokenByTokenGivesTheSameBits) {
  const StateCase given(9, 32);
  for (const auto kernel : {k().delta_rule, k().state_space}) {
    std::vector<float> at_once(9 * kLanes);
    std::vector<float> one_by_one(9 * kLanes);
    std::vector<float> state = given.state;
    std::vector<float> again = given.state;
    kernel(given.rows(at_once.data()), state.data());
    StateRows rows = given.rows(one_by_one.data());
    rows.tokens = 1;
    for (std::size_t m = 0; m < 9; ++m) {
      kernel(rows, again.data());
      rows.key += rows.stride;
      rows.query += rows.stride;
      rows.value += rows.stride;
      rows.decay += rows.rate_stride;
      rows.share += rows.rate_stride;
      rows.out += rows.out_stride;
    }
    EXPECT_EQ(one_by_one, at_once);
    EXPECT_EQ(again, state);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Recurrent, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& tested) { return std::string(tested.param->name); });

}  // namespace
}  // namespace pith::kernels
