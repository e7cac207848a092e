#include "base/processors.h"

#include <sched.h>

#include <string>

#include "base/cgroup_folder.h"

namespace pith {
namespace {

class CgroupProcessors : public test::CgroupFolder {
 protected:
  int count(const std::string& text) const { return cgroup_processors(root_, membership(text)); }
};

TEST_F(CgroupProcessors, NoneWithoutAQuota) {
  EXPECT_EQ(count(""), 0);
  EXPECT_EQ(count("0::/\n"), 0);
  EXPECT_EQ(count("nonsense\n"), 0);
  write("cpu.max", "max 100000\n");
  EXPECT_EQ(count("0::/\n"), 0);
  EXPECT_EQ(cgroup_processors(folder_ / "nowhere", folder_ / "nothing"), 0);
}

TEST_F(CgroupProcessors, SecondVersionRoundsUp) {
  write("a/cpu.max", "150000 100000\n");
  EXPECT_EQ(count("0::/a\n"), 2);
  write("a/cpu.max", "400000 100000\n");
  EXPECT_EQ(count("0::/a\n"), 4);
  write("a/cpu.max", "5000 100000\n");
  EXPECT_EQ(count("0::/a\n"), 1);
}

TEST_F(CgroupProcessors, AnAncestorLimitsToo) {
  write("a/cpu.max", "200000 100000\n");
  write("a/b/cpu.max", "max 100000\n");
  write("a/b/c/cpu.max", "800000 100000\n");
  EXPECT_EQ(count("0::/a/b/c\n"), 2);
}

TEST_F(CgroupProcessors, FirstVersion) {
  write("cpu/docker/x/cpu.cfs_quota_us", "300000\n");
  write("cpu/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(count("11:memory:/docker/x\n4:cpuacct,cpu:/docker/x\n"), 3);
  EXPECT_EQ(count("11:memory:/docker/x\n4:cpuset:/docker/x\n"), 0);
  write("cpu/docker/x/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(count("4:cpu:/docker/x\n"), 0);
}

TEST_F(CgroupProcessors, DamagedFilesSayNothing) {
  for (const char* text : {"", "abc", "100000", "100000 0", "0 100000", "-1 100000", "1e999 1"}) {
    write("a/cpu.max", text);
    EXPECT_EQ(count("0::/a\n"), 0) << text;
  }
}

TEST(UsableProcessors, FollowsTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_GE(usable_processors(), 1);
  EXPECT_LE(usable_processors(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(usable_processors(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace pith
