#include <gtest/gtest.h>
#include <pith/error.h>

#include <array>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/template.h"
#include "support/paths.h"

// Templates that were made to end or to stall the process. Each of them gives a text or an error, and none takes longer
// than a rendering may: a test that hangs or dies is the failure.
namespace pith::jinja {
namespace {

constexpr std::chrono::system_clock::time_point kNewYear{};
/// A build with sanitizers is slower and takes more of the stack.
constexpr std::size_t kMany = PITH_SANITIZED != 0 ? 2'000 : 200'000;

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  while (times-- > 0) all += text;
  return all;
}

/// What a template ends in: "" for a text, else the message of its error, which is never a defect of pith.
std::string outcome(const std::string& source, const std::string& context = R"({"messages": []})") {
  try {
    Template(source).render(context, kNewYear);
  } catch (const Error& error) {
    EXPECT_NE(error.kind(), ErrorKind::kInternal) << error.what() << '\n' << source.substr(0, 200);
    return error.what();
  }
  return "";
}

class HostileJinja : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_built()) GTEST_SKIP() << "built without Jinja (PITH_JINJA)";
  }
};

TEST_F(HostileJinja, NamesTheLineAndTheLimit) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"\n{{ 1" + repeat("+1", 3'000) + " }}", "line 2", "2048"},
      {"a\n{% if a %}" + repeat("{% elif a %}", 300) + "{% endif %}", "line 2", "256"},
      {"\n\n{% for i in range(100000) %}{% for j in range(100) %}{% endfor %}{% endfor %}", "line 3", "weight"},
      {"\n{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", "line 2", "steps"},
      {"{% set n = namespace() %}\n{% set n.x = [n] %}", "line 2", "namespace"},
      {"{% for x in [1] %}\n{{ loop }}{% endfor %}", "line 2", "loop"},
      {"{{ '%99999d' | format(1) }}", "line 1", "4 digits"},
      {"{{ [1] * 9 }}", "line 1", "lists are not multiplied"},
      {std::string(2'000'000, 'x'), "2000000 bytes", "1048576"},
      {repeat("\n", 70'000), "line 65000", "65000"},
      {"\n{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "line 2", "recursion limit"},
  };
  for (const auto& [source, line, limit] : cases) {
    const std::string message = outcome(source);
    EXPECT_NE(message.find(line), std::string::npos) << message;
    EXPECT_NE(message.find(limit), std::string::npos) << message;
  }
}

TEST_F(HostileJinja, LongAndDeepSources) {
  for (const char* link : {"~ a ", "+ a ", "and a ", "or a ", "- a ", "* a ", "** a ", "== a ", "in a ", "not in a ",
                           "if a else a ", "is a ", "|string", ".b", "[0]", "()", "[:]", "is defined "}) {
    EXPECT_NE(outcome("{{ a " + repeat(link, kMany) + "}}"), "") << link;
    outcome("{{ a " + repeat(link, 400) + "}}");
  }
  for (const char* prefix : {"not ", "-", "- ", "(", "[", "{", "{1:", "f(", "a if ", "{#", "{{", "{%"}) {
    outcome("{{ " + repeat(prefix, kMany));
    outcome("{{ " + repeat(prefix, 1'000) + "a }}");
  }
}

TEST_F(HostileJinja, ManyAndDeepBlocks) {
  for (const auto& [open, close] : std::vector<std::array<std::string, 2>>{{"{% if a %}", "{% endif %}"},
                                                                           {"{% for a in b %}", "{% endfor %}"},
                                                                           {"{% macro f(a) %}", "{% endmacro %}"},
                                                                           {"{% filter upper %}", "{% endfilter %}"},
                                                                           {"{% call f() %}", "{% endcall %}"},
                                                                           {"{% set x %}", "{% endset %}"},
                                                                           {"{% with x = 1 %}", "{% endwith %}"},
                                                                           {"{% raw %}", "{% endraw %}"},
                                                                           {"{% generation %}", "{% endgeneration %}"},
                                                                           {"(", ")"}}) {
    for (const std::size_t depth : {std::size_t{50}, std::size_t{149}, kMany / 20}) {
      outcome(repeat(open, depth) + repeat(close, depth));
    }
    outcome(repeat(open + close, kMany / 20));
    outcome(repeat(open, kMany / 4));
  }
  outcome("{% if a %}" + repeat("{% elif a %}", kMany / 4) + "{% endif %}");
  outcome(repeat("{% if a %}" + repeat("{% elif a %}", 250) + "{% endif %}", kMany / 2'000));
  for (const std::string_view part : {"x", "{", "{{ ", "%}", "\n", " ", "{##}", "{{ 'a' }}", "{% set x = 1 %}", "'"}) {
    outcome(repeat(part, (std::size_t{1} << 20) / part.size()));
    EXPECT_NE(outcome(repeat(part, 10'000'000 / part.size())), "");
  }
}

/// Expressions that ask for too much, or for what is not there.
// clang-format off
constexpr std::array<const char*, 61> kExpressions = {
    "'x' * 10**9", "'x' * 10**18", "[1] * 10**9", "[[[1] * 1000] * 1000] * 1000", "'x'|center(10**9)",
    "'x'.center(10**9)", "'x'.ljust(10**9)", "'x'.zfill(10**9)", "range(10**9)", "range(10**9)|list",
    "range(9, 0, 0)", "range(99999)|join('x' * 99999)", "'a\nb'|indent(10**9)", "[1]|tojson(indent=10**9)",
    "'{:>999999999}'.format(1)", "'{:{}}'.format(1, 10**9)", "'%999999999d'|format(1)", "'%*d'|format(10**9, 1)",
    "'%.999999999f'|format(1.5)", "'%999999999d' % 1", "[1]|batch(10**9, 0)|list", "[1]|slice(10**9)|list",
    "10**10**10", "2**127 * 2**127", "-170141183460469231731687303715884105728 - 1", "(-9223372036854775808)|abs",
    "1/0", "1//0", "1%0", "1.5%0", "'abc'[::0]", "[1][10**30]", "[1, 2, 3][::-(10**18)]",
    "99999999999999999999999999999999999999999999999999", "'x'.foo()", "'x'.__class__.__mro__", "[].append(1)",
    "foo.bar.baz", "foo()", "'a'|foo", "1 is foo", "self", "'' * -1", "caller()", "varargs", "debug()", "namespace",
    "range", "raise_exception", "strftime_now('%')", "strftime_now('%Y' * 9999)", "strftime_now('')", "joiner",
    "lipsum(10**9)", "''.split('')", "'%'|format", "'%s'|format", "'{'.format()", "'{0.__class__}'.format(1)",
    "dict(**{1: 2})", "dict(a=1, a=1)"};
// clang-format on

TEST_F(HostileJinja, TextsThatGrow) {
  for (const char* step :
       {"n.s ~ n.s", "n.s + n.s", "[n.s, n.s]|join", "n.s|replace('a', 'aa')", "n.s.replace('', n.s)",
        "'%s%s'|format(n.s, n.s)", "'{}{}'.format(n.s, n.s)", "n.s.join([n.s, n.s, n.s])", "n.s * 2",
        "(n.s ~ '\n' ~ n.s)|indent(99)", "[n.s, n.s]|tojson", "[n.s, n.s]|string"}) {
    EXPECT_NE(outcome(std::string("{% set n = namespace(s='aa') %}{% for i in range(90) %}{% set n.s = ") + step +
                      " %}{% endfor %}"),
              "")
        << step;
  }
  for (const char* expression : kExpressions) {
    outcome(std::string("{{ ") + expression + " }}");
  }
}

TEST_F(HostileJinja, LoopsAndRecursion) {
  for (const char* source :
       {"{% for a in range(9999) %}{% for b in range(9999) %}xxxxxxxxxxxxxxxx{% endfor %}{% endfor %}",
        "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{{ loop([1, 2]) }}{% endfor %}",
        "{% for x in [[1]] recursive %}{{ loop([x, x]) }}{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}xxxxxxxx{% endmacro %}{{ f(60) }}",
        "{% macro f(a) %}{{ a(a) }}{% endmacro %}{{ f(f) }}",
        "{% macro f(a, n) %}{% if n %}{{ f([a, a], n - 1) }}{% endif %}{{ a == [a] }}{% endmacro %}{{ f([1], 60) }}",
        "{% macro f() %}{{ caller() }}{% call f() %}x{% endcall %}{% endmacro %}{% call f() %}y{% endcall %}",
        "{% macro f() %}{{caller([1])}}{% endmacro %}{% call(x)f() %}{% call(y)f() %}{{[x,y]}}{%endcall%}{%endcall%}",
        "{% for x in range(9999) %}{{ loop.cycle('a' * 9999, 'b') }}{% endfor %}",
        "{% for x in [1] %}{{ loop.cycle() }}{% endfor %}", "{% for x in [1] %}{{ loop.changed(loop) }}{% endfor %}",
        "{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [loop.previtem, n.x] %}{% endfor %}",
        "{% include 'chat' %}", "{% import 'chat' as c %}", "{% extends 'chat' %}", "{% from 'chat' import f %}",
        "{% block a %}{{ self.a() }}{% endblock %}", "{% include '/etc/passwd' %}"}) {
    outcome(source);
  }
}

/// Statements that make n.x and n.y heavier or deeper each time.
constexpr std::array<std::array<const char*, 2>, 9> kGrowth = {{{"[n.x]", "[n.y]"},
                                                                {"[n.x, n.x]", "[n.y, n.y]"},
                                                                {"{'a': n.x, 'b': n.x}", "{'a': n.y, 'b': n.y}"},
                                                                {"(n.x, 1)", "(n.y, 1)"},
                                                                {"n.x + [n.x]", "n.y + [n.y]"},
                                                                {"[n.x]|select|list", "[n.y]|list"},
                                                                {"n.x|map('default', n.x)|list", "[n.x]|batch(1)|list"},
                                                                {"{'a': n.x}.items()", "dict(a=n.y)"},
                                                                {"n.x[:] + n.x", "n.y|reverse"}}};

TEST_F(HostileJinja, ValuesThatGrow) {
  const std::vector<std::string> uses = {"n.x",
                                         "n.x|tojson",
                                         "n.x ~ ''",
                                         "n.x|string|length",
                                         "n.x == n.y",
                                         "n.y in [n.x]",
                                         "n.x < n.y",
                                         "[n.x, n.y]|sort",
                                         "[n.x, n.y]|unique",
                                         "{n.x: 1}",
                                         "n.x|pprint",
                                         "'%s'|format(n.x)",
                                         "'{}'.format(n.x)",
                                         "raise_exception(n.x)",
                                         "n.x|join",
                                         "n.x|upper",
                                         "n.x|length",
                                         "n.x|max",
                                         "n.x|groupby(0)",
                                         "n.x.index(n.y)",
                                         "n.x|int",
                                         "[n.x]|map('string')",
                                         "n.x|e",
                                         "n.x[n.y]",
                                         "strftime_now(n.x)"};
  for (const auto& [x, y] : kGrowth) {
    for (const std::string& use : uses) {
      for (const char* times : {"60", "9999"}) {
        outcome(std::string("{% set n = namespace(x=[1], y=[1]) %}{% for i in range(") + times +
                ") %}{% set n.x = " + x + " %}{% set n.y = " + y + " %}{% endfor %}{{ " + use + " }}");
      }
    }
  }
  // Heavy values that are used again and again.
  outcome("{% for i in range(9999) %}{% if messages == messages %}{% endif %}{% endfor %}",
          "{\"messages\": [" + repeat("[1, 2, 3], ", 50'000) + "0]}");
}

TEST_F(HostileJinja, NamespacesThatHoldThemselves) {
  const std::string made = "{% set n = namespace() %}";
  for (const char* uses :
       {"{% set n.x = n %}{{ n }}", "{% set n.x = [n] %}{{ n.x }}", "{% set n.x = {'a': n} %}{{ n.x|tojson }}",
        "{% set l = [n] %}{% set n.x = l %}{{ n ~ '' }}", "{% set m = namespace(a=n) %}{% set n.x = m %}{{ n == m }}",
        "{% macro f(s) %}{% set s.x = s %}{{ s }}{% endmacro %}{{ f(n) }}",
        "{% for m in [n] %}{% endfor %}{% set n.x = [n]|map('string') %}{{ n.x|list }}",
        "{% macro f() %}{{ n }}{% endmacro %}{% set n.x = f %}{{ n.x() }}{{ n }}",
        "{% with m = n %}{% set n.x = m %}{{ m in [n] }}{% endwith %}", "{% set n.x = (n,)|first %}{{ n|string }}"}) {
    outcome(made + uses);
  }
}

/// Real templates with pieces deleted, doubled and exchanged.
TEST_F(HostileJinja, Mutations) {
  std::vector<std::string> sources;
  for (const auto& entry : std::filesystem::directory_iterator(test::data_dir() / "tokenizer" / "chat")) {
    if (entry.path().extension() == ".jinja") sources.push_back(test::read_file(entry.path()));
  }
  ASSERT_GE(sources.size(), 20U);
  const std::string context = R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}],
    "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>", "tools": [{"function": {"name": "f"}}]})";
  std::mt19937_64 random(7);
  const auto below = [&](std::size_t size) { return static_cast<std::size_t>(random() % (size + 1)); };
  int rendered = 0;
  const int trials = PITH_SANITIZED != 0 ? 300 : 3'000;
  for (int trial = 0; trial < trials; ++trial) {
    std::string source = sources[below(sources.size() - 1)];
    for (std::size_t edits = 1 + below(2); edits > 0; --edits) {
      const std::string& other = sources[below(sources.size() - 1)];
      const std::size_t from = below(other.size());
      const std::string piece = other.substr(from, below(60));
      const std::size_t at = below(source.size());
      switch (below(3)) {
        case 0:
          source.erase(at, below(60));
          break;
        case 1:
          source.insert(at, repeat(piece, 1 + below(3)));
          break;
        case 2:
          source.replace(at, std::min(piece.size(), source.size() - at), piece);
          break;
        default:
          source[std::min(at, source.size() - 1)] = static_cast<char>(' ' + below(94));
      }
    }
    if (outcome(source, context).empty()) ++rendered;
  }
  EXPECT_GT(rendered, trials / 20);
}

}  // namespace
}  // namespace pith::jinja
