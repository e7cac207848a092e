#include "jinja/template.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <array>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace pith::jinja {
namespace {

constexpr std::chrono::system_clock::time_point kNow{std::chrono::hours(24 * 365 + 12)};

std::string rendered(const std::string& source, const std::string& context = "{}") {
  return Template(source).render(context, kNow);
}

/// The kind and the message of the error that compiling or rendering ends in.
std::pair<ErrorKind, std::string> error_of(const std::string& source, const std::string& context = "{}") {
  try {
    rendered(source, context);
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  ADD_FAILURE() << "no error: " << source.substr(0, 100);
  return {ErrorKind::kInternal, ""};
}

class JinjaTemplate : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_built()) GTEST_SKIP() << "built without Jinja (PITH_JINJA)";
  }
};

TEST_F(JinjaTemplate, RendersAsTransformersSetsJinjaUp) {
  const std::vector<std::array<std::string, 2>> cases = {
      {"  {% if true %}\n  a\n  {% endif %}\nb\n", "  a\nb"},
      {"{% for i in [1, 2, 3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "13"},
      {"{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01"},
      {"{{ [true, none, 1.5, 'a', {'k': []}] }}", "[True, None, 1.5, 'a', {'k': []}]"},
      {"{{ {'b': 1, 'a': \"<é'>\"} | tojson }}", "{\"b\": 1, \"a\": \"<é'>\"}"},
      {"{{ {'b': [1, {}]} | tojson(indent=2) }}", "{\n  \"b\": [\n    1,\n    {}\n  ]\n}"},
      {"{{ [1, 2] | tojson(separators=(',', ':')) }}", "[1,2]"},
      {"{{ 1e16 | tojson }} {{ 0.00001 | tojson }} {{ 1.0 | tojson }}", "1e+16 1e-05 1.0"},
      {"a{% generation %}{% set x = 1 %}b{% endgeneration %}c{{ x }}", "abc"},
      {"{{ '{% generation %}' }}", "{% generation %}"},
      {"{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "3"},
      {"{{ ' a b '.split() }}{{ 'a,b,c'.rsplit(',', 1) }}{{ 'ab'.removeprefix('a') }}", "['a', 'b']['a,b', 'c']b"},
      {"{{ '\\x1c x\\u00a0'.strip() }}|{{ '\\x1c x ' | trim }}", "x|x"},
      {"{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}{{ {'a': 1}.get('b', 2) }}", "a12"},
      {"{{ none is iterable }}{{ undefined_name is defined }}{{ undefined_name }}", "FalseFalse"},
  };
  for (const auto& [source, text] : cases) EXPECT_EQ(rendered(source), text) << source;
}

TEST_F(JinjaTemplate, TellsTheGivenTime) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(kNow);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 64> expected{};
  ASSERT_NE(std::strftime(expected.data(), expected.size(), "%d %b %Y %H", &local), 0U);
  EXPECT_EQ(rendered("{{ strftime_now('%d %b %Y %H') }}"), expected.data());
}

TEST_F(JinjaTemplate, QuotesTheLineOfAnUnusableTemplate) {
  for (const char* source : {"a\n{{ foo( }}", "a\n{% if %}", "a\n{% endfor %}", "a\n{{ 'x' | nonsense_filter( }}"}) {
    const auto [kind, message] = error_of(source);
    EXPECT_EQ(kind, ErrorKind::kUnsupported) << source;
    EXPECT_NE(message.find("line 2, \"{"), std::string::npos) << message;
  }
  const auto [kind, message] = error_of("a\nb\n{{ a.b.c }}");
  EXPECT_EQ(kind, ErrorKind::kInvalidArgument);
  EXPECT_NE(message.find("line 3, \"{{ a.b.c }}\""), std::string::npos) << message;
  EXPECT_EQ(error_of("{{ 1 }}", "[").first, ErrorKind::kInvalidArgument);
}

TEST_F(JinjaTemplate, HandsOnWhatATemplateRaises) {
  const auto [kind, message] = error_of("{{ raise_exception('Roles must alternate!') }}");
  EXPECT_EQ(kind, ErrorKind::kInvalidArgument);
  EXPECT_TRUE(message.ends_with(": Roles must alternate!")) << message;
}

TEST_F(JinjaTemplate, IteratesOverNothingThatIsNone) {
  for (const char* source : {"{% for x in tools %}{% endfor %}", "{% for x in tools if x %}{% endfor %}",
                             "{% for x in (tools) recursive %}{% endfor %}"}) {
    EXPECT_EQ(error_of(source, R"({"tools": null})").first, ErrorKind::kInvalidArgument) << source;
  }
}

}  // namespace
}  // namespace pith::jinja
