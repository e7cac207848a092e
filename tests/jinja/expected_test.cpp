#include <gtest/gtest.h>
#include <pith/error.h>

#include <ctime>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "jinja/template.h"
#include "support/paths.h"

namespace pith::jinja {
namespace {

using Json = nlohmann::ordered_json;

std::chrono::system_clock::time_point local_time(const std::string& text) {
  std::tm time{};
  std::istringstream(text) >> std::get_time(&time, "%Y-%m-%dT%H:%M:%S");
  time.tm_isdst = -1;
  return std::chrono::system_clock::from_time_t(std::mktime(&time));
}

/// As tests/jinja/oracle.py says it: {"text"}, or {"kind"} of the error.
Json rendered_as(const Template& jinja, const Json& context, std::chrono::system_clock::time_point now) {
  try {
    return {{"text", jinja.render(context.dump(), now)}};
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << error.what();
    const std::string_view message = error.what();
    constexpr std::string_view kRaised = "the chat template refuses the messages: ";
    if (!message.starts_with(kRaised)) return {{"kind", "failed"}};
    return {{"kind", "raised"}, {"error", message.substr(kRaised.size())}};
  }
}

// expected.json has what Python's jinja2 made of the templates beside it (tests/jinja/make_expected.py).
TEST(JinjaExpected, RendersAsPythonDoes) {
  if (!is_built()) GTEST_SKIP() << "built without Jinja (PITH_JINJA)";
  const auto folder = test::data_dir() / "jinja";
  const Json expected = Json::parse(test::read_file(folder / "expected.json"));
  const Json contexts = Json::parse(test::read_file(folder / "contexts.json"));
  const auto now = local_time(expected["now"]);
  ASSERT_GE(expected["cases"].size(), 200U);
  for (Json wanted : expected["cases"]) {
    const auto name = wanted["template"].get<std::string>();
    const auto context_name = wanted["context"].get<std::string>();
    wanted.erase("template");
    wanted.erase("context");
    Json context = expected["base"];
    context.update(contexts[context_name]);
    const Template jinja(test::read_file(folder / (name + ".jinja")));
    EXPECT_EQ(rendered_as(jinja, context, now).dump(), wanted.dump()) << name << " over " << context_name;
  }
}

}  // namespace
}  // namespace pith::jinja
