#include "eval/fail.h"

#include <gtest/gtest.h>

namespace pith::eval {
namespace {

TEST(Visible, LeavesTextAsItIs) {
  for (const char* text :
       {"", "a plain name.gguf", "na\xC3\xAFve", "\xE6\x96\x87\xE4\xBB\xB6", "\xF0\x9F\x98\x80", "\\x1b"}) {
    EXPECT_EQ(visible(text), text);
  }
}

TEST(Visible, ControlsSteerNothing) {
  EXPECT_EQ(visible("a\nb\tc\x7F"), "a\\x0ab\\x09c\\x7f");
  EXPECT_EQ(visible("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(visible(std::string_view("\0", 1)), "\\x00");
  // C1 controls: CSI in UTF-8 and as a byte.
  EXPECT_EQ(visible("\xC2\x9B"
                    "2J"),
            "\\xc2\\x9b2J");
  EXPECT_EQ(visible("\x9B"
                    "2J"),
            "\\x9b2J");
  // The separators of lines and paragraphs.
  EXPECT_EQ(visible("\xE2\x80\xA8\xE2\x80\xA9"), "\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
}

TEST(Visible, BytesThatAreNotUtf8) {
  EXPECT_EQ(visible("\xC3"), "\\xc3");
  EXPECT_EQ(visible("\xC0\x8A"), "\\xc0\\x8a");                    // a line feed, too long
  EXPECT_EQ(visible("\xED\xA0\x80"), "\\xed\\xa0\\x80");           // half a pair
  EXPECT_EQ(visible("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond the last
  EXPECT_EQ(visible("\xE6\x96x"), "\\xe6\\x96x");
}

TEST(Fail, NamesTheKindAndEscapes) {
  try {
    fail(ErrorKind::kIo, "{}: cannot read", "a\x1b.txt");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_STREQ(error.what(), "a\\x1b.txt: cannot read");
  }
}

}  // namespace
}  // namespace pith::eval
