#include "tokenizer/text_index.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pith::tokenizer {
namespace {

TEST(TextIndex, FindsEveryTextAndNothingElse) {
  std::vector<std::string> texts;
  texts.reserve(5000);
  for (int i = 0; i < 5000; ++i) texts.push_back("token " + std::to_string(i));
  const TextIndex index({texts.begin(), texts.end()});
  ASSERT_EQ(index.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(index.find(texts[i]), static_cast<Token>(i));
    EXPECT_EQ(index.text(static_cast<Token>(i)), texts[i]);
  }
  EXPECT_EQ(index.find("token 5000"), -1);
  EXPECT_EQ(index.find("token"), -1);
  EXPECT_EQ(index.find(std::string(100, 'x')), -1);
  EXPECT_EQ(index.longest(), std::string("token 4999").size());
}

TEST(TextIndex, LastOfEqualTextsCountsAndTheEmptyTextIsNotThere) {
  const TextIndex index({"a", "", "b", "a", ""});
  EXPECT_EQ(index.find("a"), 3);
  EXPECT_EQ(index.find("b"), 2);
  EXPECT_EQ(index.find(""), -1);
  EXPECT_EQ(index.text(1), "");
  EXPECT_EQ(index.text(3), "a");
}

TEST(TextIndex, HoldsAnyBytes) {
  const std::string_view zero("\0", 1);
  const TextIndex index({zero, "\xFF"});
  EXPECT_EQ(index.find(zero), 0);
  EXPECT_EQ(index.find("\xFF"), 1);
}

}  // namespace
}  // namespace pith::tokenizer
