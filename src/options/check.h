#pragma once

#include <string_view>

#include "base/fail.h"
#include "options/table.h"

namespace pith::options {

/// Throws Error(kInvalidArgument) if the value is outside of the option's range: "top_p is 2, allowed are 0 to 1".
/// `owner` goes in front of the name: "chat: ".
template <typename Row>
void check_value(const Row& row, const typename Row::Member& value, std::string_view owner = {}) {
  if constexpr (Number<typename Row::Member>) {
    if (!row.range.allows(value))
      fail(ErrorKind::kInvalidArgument, "{}{} is {}, {}", owner, row.name, value, requirement(row.range));
  }
}

/// Returns a value for the option, checked as above: checked<&SamplingOptions::top_p>(p).
template <auto Pointer>
auto checked(typename MemberPointer<decltype(Pointer)>::Member value) {
  check_value(row_of<Pointer>(), value);
  return value;
}

/// Returns the options. Checks each of them in the order of the table; those of nested structs are for whoever takes
/// those.
template <Tabled Struct>
const Struct& checked(const Struct& options, std::string_view owner = {}) {
  for_each_option<Struct>([&](const auto& row) { check_value(row, options.*(row.member), owner); });
  return options;
}

}  // namespace pith::options
