#include "session/snapshot_options.h"

#include <map>
#include <string>
#include <utility>

#include "options/sampling_options.h"
#include "options/session_options.h"
#include "options/table.h"

namespace pith::session {
namespace {

using io::FieldReader;
using io::FieldWriter;

static_assert(sizeof(std::size_t) == sizeof(std::uint64_t), "sizes are saved as 64 bits");

template <typename T>
struct IsMap : std::false_type {};
template <typename Key, typename Value, typename Less>
struct IsMap<std::map<Key, Value, Less>> : std::true_type {};

/// Writes a number, a text, the options of a struct, or the count and the values of a list or map.
template <typename T>
void put_value(FieldWriter& fields, const T& value) {
  if constexpr (options::Number<T>) {
    fields.put(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    fields.put_text(value);
  } else if constexpr (options::Tabled<T>) {
    options::for_each_saved<T>([&](const auto& row) { put_value(fields, value.*(row.member)); });
  } else {
    put_count(fields, value.size());
    for (const auto& element : value) {
      if constexpr (IsMap<T>::value) {
        put_value(fields, element.first);
        put_value(fields, element.second);
      } else {
        put_value(fields, element);
      }
    }
  }
}

/// Reads what put_value() wrote. `name` is that of the option.
template <typename T>
T get_value(FieldReader& fields, std::string_view name, std::uint32_t version);

template <typename Row>
void get_option(FieldReader& fields, const Row& row, typename Row::Struct& options, std::uint32_t version) {
  using Member = typename Row::Member;
  if (row.saved.since > version) return;
  options.*(row.member) = get_value<Member>(fields, row.name, version);
  if constexpr (options::Number<Member>) {
    const Member value = options.*(row.member);
    if (!row.range.allows(value))
      fields.refuse(fmt::format("{} is {}, {}", row.name, value, options::requirement(row.range)));
  }
}

template <typename T>
T get_value(FieldReader& fields, std::string_view name, std::uint32_t version) {
  T value{};
  if constexpr (options::Number<T>) {
    value = fields.get<T>(name);
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = fields.get_text(name);
  } else if constexpr (options::Tabled<T>) {
    options::for_each_saved<T>([&](const auto& row) { get_option(fields, row, value, version); });
  } else {
    for (auto left = fields.get<std::uint64_t>(name); left > 0; --left) {
      if constexpr (IsMap<T>::value) {
        auto key = get_value<typename T::key_type>(fields, name, version);
        value[std::move(key)] = get_value<typename T::mapped_type>(fields, name, version);
      } else {
        value.push_back(get_value<typename T::value_type>(fields, name, version));
      }
    }
  }
  return value;
}

}  // namespace

void put(FieldWriter& fields, const EvictionOptions& eviction) { put_value(fields, eviction); }

void put(FieldWriter& fields, const SessionOptions& session) { put_value(fields, session); }

void put(FieldWriter& fields, const SamplingOptions& sampling) { put_value(fields, sampling); }

SessionOptions get_session(FieldReader& fields, std::uint32_t version) {
  return get_value<SessionOptions>(fields, "session options", version);
}

SamplingOptions get_sampling(FieldReader& fields, std::uint32_t version) {
  return get_value<SamplingOptions>(fields, "sampling options", version);
}

void put(FieldWriter& fields, const RngState& state) {
  for (const std::uint64_t word : state.words) fields.put(word);
}

RngState get_rng(FieldReader& fields) {
  RngState state;
  for (std::uint64_t& word : state.words) word = fields.get<std::uint64_t>("state of the random generator");
  return state;
}

void put(FieldWriter& fields, const std::vector<StageState>& states) {
  put_count(fields, states.size());
  for (const StageState& state : states) {
    fields.put_text(state.name);
    fields.put_array(state.bytes);
  }
}

std::vector<StageState> get_stage_states(FieldReader& fields) {
  std::vector<StageState> states;
  for (auto left = fields.get<std::uint64_t>("states of the sampler's stages"); left > 0; --left) {
    StageState& state = states.emplace_back();
    state.name = fields.get_text("a stage's name");
    state.bytes = fields.get_array<std::byte>("a stage's state");
  }
  return states;
}

}  // namespace pith::session
