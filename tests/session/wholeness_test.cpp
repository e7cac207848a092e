#include "session/wholeness.h"

#include <gtest/gtest.h>

namespace pith::session {
namespace {

TEST(Wholeness, AChangeThatIsNotDoneLeavesItBroken) {
  Wholeness session;
  {
    Change change(session);
    EXPECT_FALSE(session.whole());
    change.done();
  }
  EXPECT_TRUE(session.whole());
  { const Change change(session); }
  EXPECT_FALSE(session.whole());
  session.renew();
  EXPECT_TRUE(session.whole());
}

TEST(Wholeness, DamageStaysUntilTheCacheIsMadeAnew) {
  Wholeness session;
  session.damage();
  EXPECT_FALSE(session.whole());
  Change change(session);
  change.done();
  EXPECT_FALSE(session.whole()) << "a change does not repair pages";
  session.renew();
  EXPECT_TRUE(session.whole());
  EXPECT_FALSE(Wholeness(false).whole()) << "as a fork of a broken session begins";
}

}  // namespace
}  // namespace pith::session
