#pragma once

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "options/table.h"
#include "tools/output.h"

namespace pith::tools {

/// Which options become JSON.
enum class OptionSet {
  kAll,    ///< All but functions, pointers and what else is no text.
  kSaved,  ///< Those of them that a snapshot keeps.
};

template <typename T>
struct IsText : std::bool_constant<std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || options::Worded<T> ||
                                   options::Tabled<T>> {};
template <typename T>
struct IsText<std::vector<T>> : IsText<T> {};
template <typename Key, typename Value, typename Less>
struct IsText<std::map<Key, Value, Less>> : IsText<Value> {};

/// Returns the options by name, nested ones as objects. Numbers that JSON does not have are texts: "-inf".
template <typename T>
Json options_json(const T& value, OptionSet set = OptionSet::kAll) {
  static_assert(IsText<T>::value);
  if constexpr (std::is_floating_point_v<T>) {
    // The shortest digits that mean this value: a float would become a double with all of its digits.
    const std::string digits = fmt::format("{}", value);
    return std::isfinite(value) ? Json(std::stod(digits)) : Json(digits);
  } else if constexpr (options::Worded<T>) {
    return options::word(value);
  } else if constexpr (options::Tabled<T>) {
    Json json = Json::object();
    options::for_each_option<T>([&](const auto& row) {
      if constexpr (IsText<typename std::remove_cvref_t<decltype(row)>::Member>::value) {
        if (set == OptionSet::kAll || row.saved.since != 0)
          json[std::string(row.name)] = options_json(value.*(row.member), set);
      }
    });
    return json;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (requires { typename T::mapped_type; }) {
    Json json = Json::object();
    for (const auto& [key, element] : value) json[fmt::format("{}", key)] = options_json(element, set);
    return json;
  } else {
    Json json = Json::array();
    for (const auto& element : value) json.push_back(options_json(element, set));
    return json;
  }
}

}  // namespace pith::tools
