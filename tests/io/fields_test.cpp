#include "io/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/error.h>

#include <functional>

namespace pith::io {
namespace {

TEST(Fields, ComeBackInOrder) {
  FieldWriter writer;
  writer.put(std::int32_t{-5});
  writer.put_text("text");
  writer.put_array(std::vector<float>{1.0F, 2.0F});
  writer.put_flag(true);
  writer.put(0.25);
  FieldReader reader(writer.bytes(), "here");
  EXPECT_EQ(reader.get<std::int32_t>("a"), -5);
  EXPECT_EQ(reader.get_text("b"), "text");
  EXPECT_EQ(reader.get_array<float>("c"), (std::vector<float>{1.0F, 2.0F}));
  EXPECT_TRUE(reader.get_flag("d"));
  EXPECT_EQ(reader.get<double>("e", 0.0, 1.0), 0.25);
  reader.end();
}

void expect_refused(const FieldWriter& writer, const std::string& part, const std::function<void(FieldReader&)>& read) {
  FieldReader reader(writer.bytes(), "here");
  try {
    read(reader);
    ADD_FAILURE() << "not refused: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFormat);
    EXPECT_THAT(error.what(), testing::AllOf(testing::StartsWith("here: "), testing::HasSubstr(part)));
  }
}

TEST(Fields, WhatDoesNotFitIsRefused) {
  FieldWriter writer;
  writer.put(std::uint64_t{1} << 61U);
  expect_refused(writer, "takes 8 bytes, 7 are left", [](FieldReader& r) {
    r.get<std::uint8_t>("byte");
    r.get<double>("number");
  });
  // The bytes of 2^61 values of 8 bytes overflow to 0.
  expect_refused(writer, "values of 8 bytes, 0 bytes are left", [](FieldReader& r) { r.get_array<double>("values"); });
  expect_refused(writer, "values of 1 bytes", [](FieldReader& r) { r.get_text("text"); });
  expect_refused(writer, "allowed are 0 to 9", [](FieldReader& r) { r.get<std::uint64_t>("number", 0, 9); });
  expect_refused(writer, "7 bytes are left over", [](FieldReader& r) {
    r.get<std::uint8_t>("byte");
    r.end();
  });
  FieldWriter two;
  two.put_array(std::vector<float>{1.0F, 2.0F});
  expect_refused(two, "2 values, allowed are 3 to 3", [](FieldReader& r) {
    std::vector<float> three(3);
    r.fill("floats", three);
  });
  FieldWriter flag;
  flag.put(std::uint8_t{2});
  expect_refused(flag, "allowed are 0 to 1", [](FieldReader& r) { r.get_flag("flag"); });
}

}  // namespace
}  // namespace pith::io
