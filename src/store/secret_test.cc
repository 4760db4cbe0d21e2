// Secrets, ids and names.
#include "store/secret.h"

#include <gtest/gtest.h>

#include <string>

namespace aloud {
namespace {

TEST(Secret, IdsAndSecretsAreRandomAndOfTheRightForm) {
  const std::string id = random_id("conv_");
  EXPECT_EQ(id.size(), 5u + 32u);
  EXPECT_TRUE(is_id(id));
  EXPECT_NE(id, random_id("conv_"));
  const std::string key = random_secret(kKeyPrefix);
  EXPECT_TRUE(key.starts_with("sk-aloud-"));
  EXPECT_EQ(key.size(), kKeyPrefix.size() + 43);  // 256 bits in base64
  EXPECT_EQ(key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
            key.npos);
  EXPECT_NE(key, random_secret(kKeyPrefix));
}

TEST(Secret, HashesDependOnPurposeAndSecret) {
  EXPECT_EQ(hash_secret("key", "x"), hash_secret("key", "x"));
  EXPECT_NE(hash_secret("key", "x"), hash_secret("session", "x"));
  EXPECT_NE(hash_secret("key", "x"), hash_secret("key", "y"));
  // BLAKE2b-256, keyed, as Python's hashlib computes it:
  // hashlib.blake2b(b"x", digest_size=32, key=b"key".ljust(32, b"\0")).hexdigest()
  std::string hex;
  for (const std::byte byte : hash_secret("key", "x")) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += kDigits[std::to_integer<int>(byte) >> 4];
    hex += kDigits[std::to_integer<int>(byte) & 15];
  }
  EXPECT_EQ(hex, "736b48cbf43384b9177273049b4dc17147e4c640e15d65b6359d51e4a9077c77");
  EXPECT_EQ(csrf_token("session"), csrf_token("session"));
  EXPECT_NE(csrf_token("session"), csrf_token("other"));
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "ab"));
}

TEST(Secret, NamesAndIdsAreChecked) {
  for (const char* name : {"alice", "小红", "a.b@c", "x-y_z"}) EXPECT_TRUE(is_key_name(name)) << name;
  for (const char* name : {"", ".", "..", "-x", "a b", "a\nb", "a\x7F", "\xFF", "\xE2\x80\xAEx"}) {
    EXPECT_FALSE(is_key_name(name)) << name;
  }
  EXPECT_TRUE(is_key_name(std::string(64, 'x')));
  EXPECT_FALSE(is_key_name(std::string(65, 'x')));
  for (const char* id : {"", "a b", "a/b", "é", "a.b"}) EXPECT_FALSE(is_id(id)) << id;
  EXPECT_FALSE(is_id(std::string(65, 'x')));
}

TEST(Secret, ScopesAreWords) {
  EXPECT_TRUE(parse_scopes("chat")->chat);
  EXPECT_FALSE(parse_scopes("chat")->admin);
  EXPECT_TRUE(parse_scopes("admin,chat")->admin);
  for (const char* text : {"", "chat,", ",chat", "root", "chat admin"})
    EXPECT_FALSE(parse_scopes(text)) << text;
  for (const char* text : {"chat", "admin", "chat,admin"}) EXPECT_EQ(scopes_text(*parse_scopes(text)), text);
}

}  // namespace
}  // namespace aloud
