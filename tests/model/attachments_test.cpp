#include "model/attachments.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace pith::model {
namespace {

struct First {
  int value = 1;
};
struct Second {
  int value = 2;
};

TEST(Attachments, OneOfEachTypeForEverybody) {
  Attachments attachments;
  attachments.get<First>().value = 7;
  EXPECT_EQ(attachments.get<First>().value, 7);
  EXPECT_EQ(attachments.get<Second>().value, 2);
  EXPECT_EQ(Attachments().get<First>().value, 1) << "each model has its own";
}

TEST(Attachments, ThreadsGetTheSameObject) {
  Attachments attachments;
  std::vector<First*> seen(8);
  {
    std::vector<std::jthread> threads;
    threads.reserve(seen.size());
    for (First*& each : seen) threads.emplace_back([&] { each = &attachments.get<First>(); });
  }
  for (const First* each : seen) EXPECT_EQ(each, seen.front());
}

}  // namespace
}  // namespace pith::model
