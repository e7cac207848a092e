#include "base/printable.h"

#include <gtest/gtest.h>

#include <string_view>

#include "base/fail.h"

namespace pith {
namespace {

TEST(Printable, EscapesWhatCannotBeShown) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("é 漢字 🙂"), "é 漢字 🙂");
  EXPECT_EQ(printable(std::string_view("a\0b\tc\x7F", 6)), "a\\x00b\\x09c\\x7f");
  EXPECT_EQ(printable("\xFF\xC3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xE2\x80\xA8"), "\\xe2\\x80\\xa8");
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\x80"
                      "abc"),
            "\\x80"
            "abc");
  EXPECT_EQ(printable("\xF4\x90\x80\x80z"), "\\xf4\\x90\\x80\\x80z");
  EXPECT_EQ(printable("\xE9\x9B"), "\\xe9\\x9b");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, CutsAtCharacters) {
  EXPECT_EQ(printable("éééé", 4), "éééé");
  EXPECT_EQ(printable("ééééé", 4), "éééé…");
}

TEST(Fail, MessagesAreOneLineOfPrintableText) {
  try {
    fail(ErrorKind::kFormat, "{}: {}", "a\nb.gguf", std::string_view("\x1b[31mred\xFF", 9));
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "a\\x0ab.gguf: \\x1b[31mred\\xff");
  }
  try {
    fail(ErrorKind::kFormat, "{}", std::string(1000000, 'x'));
  } catch (const Error& error) {
    EXPECT_LT(std::string_view(error.what()).size(), 5000U);
  }
}

}  // namespace
}  // namespace pith
