#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace pith {

/// A field of a struct: its name and its member.
template <typename Struct, typename Member>
struct Field {
  std::string_view name;
  Member Struct::*member;
};

template <typename Struct, typename Member>
constexpr Field<Struct, Member> field(std::string_view name, Member Struct::*member) {
  return {name, member};
}

/// A plain struct that lists its fields: a static function fields() that returns a tuple of Field. Whatever must see
/// all of them (digests, sizes, reports) walks that list instead of naming them again. Follow the struct by
/// `static_assert(lists_every_field<T>)`, and a forgotten field does not compile.
template <typename T>
concept Described = requires {
  T::fields();
};

namespace described {

/// Converts to whatever a field may be; never evaluated.
struct Anything {
  template <typename T>
  operator T() const;
};

/// Returns how many initializers the aggregate takes, which is how many fields it has.
template <typename T, typename... Given>
consteval std::size_t field_count() {
  if constexpr (requires { T{Given{}..., Anything{}}; }) {
    return field_count<T, Given..., Anything>();
  } else {
    return sizeof...(Given);
  }
}

template <typename T>
struct IsList : std::false_type {};
template <Described T>
struct IsList<std::vector<T>> : std::true_type {};

inline std::string joined(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

}  // namespace described

template <Described T>
inline constexpr bool lists_every_field = std::tuple_size_v<decltype(T::fields())> == described::field_count<T>();

/// Calls visit(path, value) with every field that is not itself described, in the order of the lists, those of nested
/// structs and of vectors of them included: visit("layers.3.attention.window", 512).
template <typename T, typename Visit>
void for_each_leaf(const T& value, const Visit& visit, const std::string& path = {}) {
  if constexpr (Described<T>) {
    const auto each = [&](const auto&... fields) {
      (for_each_leaf(value.*(fields.member), visit, described::joined(path, fields.name)), ...);
    };
    std::apply(each, T::fields());
  } else if constexpr (described::IsList<T>::value) {
    for (std::size_t i = 0; i < value.size(); ++i)
      for_each_leaf(value[i], visit, described::joined(path, std::to_string(i)));
  } else {
    visit(path, value);
  }
}

}  // namespace pith
