// Tests of who may: keys, sessions and their tokens, quotas by a clock of the test's own.
#include "service/access_control.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "store/secret.h"
#include "store/sqlite_store.h"

namespace aloud {
namespace {

constexpr std::int64_t kMorning = 1'700'000'000'000 / 86'400'000 * 86'400'000;  // midnight, UTC

class AccessControlTest : public ::testing::Test {
 protected:
  AccessControlTest() {
    folder = std::filesystem::path(::testing::TempDir()) /
             ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder);
    auto opened = open_sqlite_store({.folder = folder, .now_ms = [this] { return now_ms; }});
    EXPECT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  ~AccessControlTest() override {
    store.reset();
    std::filesystem::remove_all(folder);
  }

  std::string add_key(ApiKey key) {
    const std::string secret = random_secret(kKeyPrefix);
    EXPECT_TRUE(store->add_key(key, hash_secret(kKeyPurpose, secret)));
    return secret;
  }
  AccessControl access(bool needs_keys) {
    return AccessControl(*store, needs_keys, [this] { return now_ms; });
  }

  std::filesystem::path folder;
  std::unique_ptr<Store> store;
  std::int64_t now_ms = kMorning;
};

RequestErrorKind kind_of(const RequestResult<Caller>& caller) {
  return caller ? RequestErrorKind::kInternal : caller.error().kind;
}

TEST_F(AccessControlTest, NobodyNeedsAKeyAtHome) {
  const auto caller = access(false).identify({.key = "whatever a client sends"});
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->owner, AccessControl::kLocalOwner);
  EXPECT_TRUE(caller->may_chat && caller->is_operator);
}

TEST_F(AccessControlTest, KeysAreNeededElsewhere) {
  const std::string secret = add_key({.name = "anna"});
  AccessControl control = access(true);
  EXPECT_EQ(kind_of(control.identify({})), RequestErrorKind::kUnauthorized);
  EXPECT_EQ(kind_of(control.identify({.key = secret + "x"})), RequestErrorKind::kUnauthorized);
  const auto caller = control.identify({.key = secret});
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->owner, "anna");
  EXPECT_TRUE(caller->may_chat);
  EXPECT_FALSE(caller->is_operator);
  ASSERT_TRUE(store->revoke_key("anna"));
  EXPECT_EQ(kind_of(control.identify({.key = secret})), RequestErrorKind::kUnauthorized);
}

TEST_F(AccessControlTest, ASessionWritesWithItsTokenOnly) {
  const std::string secret = add_key({.name = "anna"});
  AccessControl control = access(true);
  EXPECT_FALSE(control.log_in("sk-aloud-wrong"));
  const auto session = control.log_in(secret);
  ASSERT_TRUE(session);
  EXPECT_TRUE(control.identify({.session = *session}));
  EXPECT_EQ(kind_of(control.identify({.session = *session, .is_write = true})), RequestErrorKind::kForbidden);
  EXPECT_EQ(kind_of(control.identify({.session = *session, .csrf = csrf_token("other"), .is_write = true})),
            RequestErrorKind::kForbidden);
  EXPECT_TRUE(control.identify({.session = *session, .csrf = csrf_token(*session), .is_write = true}));
  control.log_out(*session);
  EXPECT_EQ(kind_of(control.identify({.session = *session})), RequestErrorKind::kUnauthorized);
}

TEST_F(AccessControlTest, RequestsInAMinute) {
  const std::string secret = add_key({.name = "anna", .requests_per_minute = 3});
  AccessControl control = access(true);
  const Caller caller = *control.identify({.key = secret});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(control.admit(caller)) << i;
  const auto refused = control.admit(caller);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, RequestErrorKind::kQuota);
  EXPECT_NEAR(refused.error().retry_after_seconds, 20, 0.1);
  now_ms += 20'100;
  EXPECT_TRUE(control.admit(caller));
  EXPECT_FALSE(control.admit(caller));
}

TEST_F(AccessControlTest, TokensOfADay) {
  const std::string secret = add_key({.name = "anna", .tokens_per_day = 100});
  const Usage used{.requests = 1, .prompt_tokens = 60, .completion_tokens = 40};
  {
    AccessControl control = access(true);
    const Caller caller = *control.identify({.key = secret});
    EXPECT_TRUE(control.admit(caller));
    control.add_usage(caller, used);
    const auto refused = control.admit(caller);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "insufficient_quota");
    EXPECT_NEAR(refused.error().retry_after_seconds, 86'400, 1);
  }
  AccessControl control = access(true);  // a server that was started again
  const Caller caller = *control.identify({.key = secret});
  EXPECT_FALSE(control.admit(caller));
  now_ms += 86'400'000;
  EXPECT_TRUE(control.admit(caller));
}

TEST(DayOf, IsInUtc) {
  EXPECT_EQ(day_of(0), "1970-01-01");
  EXPECT_EQ(day_of(1'700'000'000'000), "2023-11-14");
}

}  // namespace
}  // namespace aloud
