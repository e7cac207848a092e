#pragma once

#include <gtest/gtest.h>
#include <pith/error.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "gguf/parse.h"
#include "support/gguf_writer.h"

namespace pith::gguf {

inline constexpr const char* kTestPath = "folder/model.gguf";

/// Returns whether `call` throws an Error of that kind, whose message is one line and contains all of `parts`.
template <typename Call>
testing::AssertionResult throws(ErrorKind kind, const std::vector<std::string>& parts, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string what = error.what();
    if (error.kind() != kind) return testing::AssertionFailure() << to_string(error.kind()) << ": " << what;
    if (what.find('\n') != std::string::npos) return testing::AssertionFailure() << "more than one line: " << what;
    for (const std::string& part : parts) {
      if (what.find(part) == std::string::npos)
        return testing::AssertionFailure() << "no '" << part << "' in: " << what;
    }
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "no error";
}

/// A file's bytes in memory of exactly that size, so that sanitizers see reads past the end.
class ExactBytes {
 public:
  explicit ExactBytes(std::span<const std::byte> bytes) : data_(new std::byte[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), data_.get());
  }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_;
};

/// Returns whether parsing the bytes throws as above, with the path in the message.
inline testing::AssertionResult refused(std::span<const std::byte> bytes, ErrorKind kind,
                                        std::vector<std::string> parts) {
  parts.emplace_back(kTestPath);
  const ExactBytes exact(bytes);
  return throws(kind, parts, [&] { parse(exact.span(), kTestPath); });
}

inline testing::AssertionResult refused(const test::GgufWriter& writer, ErrorKind kind,
                                        const std::vector<std::string>& parts) {
  return refused(writer.bytes(), kind, parts);
}

}  // namespace pith::gguf
