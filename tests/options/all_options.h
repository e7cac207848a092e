#pragma once

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "options/batch_options.h"
#include "options/beam_options.h"
#include "options/chat_options.h"
#include "options/eviction_options.h"
#include "options/generate_options.h"
#include "options/kv_options.h"
#include "options/model_options.h"
#include "options/sampling_options.h"
#include "options/session_options.h"

// What tests of the options share: every table, and the values around the ends of a range.
namespace pith::test {

/// Calls visit(Struct{}) for every struct that has a table.
template <typename Visit>
void for_each_struct(const Visit& visit) {
  visit(ModelOptions{});
  visit(KvOptions{});
  visit(KvOptions::Layer{});
  visit(EvictionOptions{});
  visit(SessionOptions{});
  visit(SamplingOptions{});
  visit(GenerateOptions{});
  visit(ChatOptions{});
  visit(BeamOptions{});
  visit(BatchOptions{});
}

/// Calls visit(row) for every row of the struct's table that is a number.
template <typename Struct, typename Visit>
void for_each_number(const Visit& visit) {
  options::for_each_option<Struct>([&](const auto& row) {
    if constexpr (options::Number<typename std::remove_cvref_t<decltype(row)>::Member>) visit(row);
  });
}

/// The values at the ends of a range, inside of it and as near outside of it as the type has any.
template <typename T>
struct Ends {
  std::vector<T> inside;
  std::vector<T> outside;
};

template <typename T>
Ends<T> ends_of(const options::Range<T>& range) {
  Ends<T> ends;
  const auto next = [](T value, bool up) -> T {
    if constexpr (std::is_floating_point_v<T>) {
      const T infinity = std::numeric_limits<T>::infinity();
      return std::nextafter(value, up ? infinity : -infinity);
    } else {
      return static_cast<T>(up ? value + 1 : value - 1);
    }
  };
  if (range.has_least()) {
    ends.inside.push_back(range.above_least ? next(range.least, true) : range.least);
    ends.outside.push_back(range.above_least ? range.least : next(range.least, false));
  }
  if (range.has_most()) {
    ends.inside.push_back(range.most);
    ends.outside.push_back(next(range.most, true));
  }
  if (range.step != 0) ends.outside.push_back(next(range.step, true));
  if constexpr (std::is_floating_point_v<T>) {
    using Limits = std::numeric_limits<T>;
    for (const T value : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) ends.outside.push_back(value);
  }
  return ends;
}

}  // namespace pith::test
