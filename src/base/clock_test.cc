// Tests of the clocks: what must hold whatever the time is.
#include "base/clock.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

TEST(Clock, TellsUtc) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00");
  EXPECT_EQ(utc_text(951'827'696), "2000-02-29T12:34:56");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59");
}

TEST(Clock, GoesOn) {
  const double before = steady_seconds();
  EXPECT_GE(steady_seconds(), before);
  EXPECT_GT(unix_milliseconds(), 1'700'000'000'000);
}

}  // namespace
}  // namespace aloud
