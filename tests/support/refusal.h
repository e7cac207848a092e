#pragma once

#include <gtest/gtest.h>
#include <pith/error.h>

#include <string>

namespace pith::test {

/// Returns the message of the Error that `call` throws, and expects it to be of that kind. Fails the test and returns
/// an empty text if it throws none.
template <typename Call>
std::string refusal(ErrorKind kind, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

/// Expects that `call` throws an Error of that kind, whose message has `part` in it.
template <typename Call>
void expect_error(ErrorKind kind, const std::string& part, const Call& call) {
  const std::string message = refusal(kind, call);
  EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
}

}  // namespace pith::test
