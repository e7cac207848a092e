#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/tiny_model.h"
#include "tools/process.h"

namespace pith::test {

using Args = std::vector<std::string>;
using nlohmann::json;

/// A program that the build made.
inline std::string built_program(const std::string& name) { return std::string(PITH_BINARY_DIR) + "/bin/" + name; }

inline Args pith_command(const Args& arguments) {
  Args command = {built_program("pith")};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

/// Runs `pith`.
inline Outcome pith(const Args& arguments, const Process::Options& options = {}) {
  return run_process(pith_command(arguments), options);
}

/// What it printed, which must have gone well.
inline std::string pith_output(const Args& arguments, const std::string& input = {}) {
  const Outcome outcome = pith(arguments, {.input = input});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return outcome.out;
}

inline json pith_json(Args arguments, const std::string& input = {}) {
  arguments.insert(arguments.end(), {"--format", "json"});
  const std::string out = pith_output(arguments, input);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1) << out;
  return json::parse(out);
}

inline std::string write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

/// Tests with the tiny model and a folder for more files.
class ToolTest : public testing::Test {
 protected:
  const TempDir folder_;
  const std::string model_ = write_tiny_model({}, folder_).string();
};

}  // namespace pith::test
