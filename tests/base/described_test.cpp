#include "base/described.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pith {
namespace {

struct Inner {
  int a = 1;
  bool b = true;
  static constexpr auto fields() { return std::tuple(field("a", &Inner::a), field("b", &Inner::b)); }
};

struct Outer {
  std::string name = "n";
  Inner inner;
  std::vector<Inner> list = {{2, false}, {3, true}};
  static constexpr auto fields() {
    return std::tuple(field("name", &Outer::name), field("inner", &Outer::inner), field("list", &Outer::list));
  }
};

struct Forgetful {
  int a = 0;
  std::vector<float> forgotten{};
  static constexpr auto fields() { return std::tuple(field("a", &Forgetful::a)); }
};

static_assert(lists_every_field<Inner>);
static_assert(lists_every_field<Outer>);
static_assert(!lists_every_field<Forgetful>, "a forgotten field must be seen");

TEST(Described, WalksEveryLeafInOrder) {
  std::vector<std::string> paths;
  for_each_leaf(Outer{}, [&](const std::string& path, const auto&) { paths.push_back(path); });
  EXPECT_EQ(paths,
            (std::vector<std::string>{"name", "inner.a", "inner.b", "list.0.a", "list.0.b", "list.1.a", "list.1.b"}));
}

}  // namespace
}  // namespace pith
