#include "base/memory_limit.h"

#include <string>

#include "base/cgroup_folder.h"

namespace pith {
namespace {

class CgroupMemory : public test::CgroupFolder {
 protected:
  std::uint64_t limit(const std::string& text) const { return cgroup_memory(root_, membership(text)); }
};

TEST_F(CgroupMemory, NoneWithoutALimit) {
  EXPECT_EQ(limit(""), 0U);
  EXPECT_EQ(limit("0::/\n"), 0U);
  write("memory.max", "max\n");
  EXPECT_EQ(limit("0::/\n"), 0U);
  write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(limit("4:memory:/\n"), 0U);
  EXPECT_EQ(cgroup_memory(folder_ / "nowhere", folder_ / "nothing"), 0U);
}

TEST_F(CgroupMemory, SecondVersion) {
  write("a/memory.max", "536870912\n");
  EXPECT_EQ(limit("0::/a\n"), 536870912U);
  write("unified/b/memory.max", "4096\n");
  EXPECT_EQ(limit("0::/b\n"), 4096U) << "where both versions are mounted";
}

TEST_F(CgroupMemory, FirstVersion) {
  write("memory/docker/x/memory.limit_in_bytes", "2147483648\n");
  EXPECT_EQ(limit("0::/\n4:memory:/docker/x\n1:cpu:/y\n"), 2147483648U);
  EXPECT_EQ(limit("4:cpu:/docker/x\n"), 0U) << "another controller's group";
}

TEST_F(CgroupMemory, AnAncestorLimitsToo) {
  write("a/memory.max", "1000000\n");
  write("a/b/memory.max", "max\n");
  write("a/b/c/memory.max", "8000000\n");
  EXPECT_EQ(limit("0::/a/b/c\n"), 1000000U);
}

TEST_F(CgroupMemory, DamagedFilesSayNothing) {
  for (const char* text : {"", "abc", "-1", "0", "1e999"}) {
    write("a/memory.max", text);
    EXPECT_EQ(limit("0::/a\n"), 0U) << text;
  }
}

}  // namespace
}  // namespace pith
