// Tests of saved conversations.
#include "cli/transcript.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace aloud {
namespace {

const std::vector<Message> kMessages = {{Role::kUser, "27*14?", {}}, {Role::kAssistant, "**378**", "a\nb"}};

TEST(Transcript, MarkdownQuotesThoughts) {
  setenv("LC_ALL", "C.UTF-8", 1);
  EXPECT_EQ(transcript(kMessages, false), "## You\n\n27*14?\n\n## Model\n\n> a\n> b\n\n**378**\n");
}

TEST(Transcript, JsonIsWhatApisTake) {
  const auto list = nlohmann::json::parse(transcript(kMessages, true));
  EXPECT_EQ(list.at(0), nlohmann::json({{"role", "user"}, {"content", "27*14?"}}));
  EXPECT_EQ(list.at(1).at("reasoning_content"), "a\nb");
  EXPECT_EQ(nlohmann::json::parse(transcript({}, true)), nlohmann::json::array());
}

TEST(Transcript, SavesForItsOwnerAndOverwritesOnlyWhenTold) {
  const std::string path = ::testing::TempDir() + "aloud-transcript-test.json";
  std::remove(path.c_str());
  ASSERT_TRUE(save_transcript(path, kMessages, false));
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_FALSE(save_transcript(path, {}, false));
  ASSERT_TRUE(save_transcript(path, {}, true));
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "[]\n");
  std::remove(path.c_str());
  EXPECT_FALSE(save_transcript("/nowhere/x.md", kMessages, false));
}

}  // namespace
}  // namespace aloud
