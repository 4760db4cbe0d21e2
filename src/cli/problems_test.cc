// Tests of reading problems and of Wilson's interval.
#include "cli/problems.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace aloud {
namespace {

class ProblemsTest : public ::testing::Test {
 protected:
  ProblemsTest() { close(mkstemp(path_.data())); }
  ~ProblemsTest() override { std::remove(path_.c_str()); }

  Result<std::vector<Problem>> read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return read_problems(path_);
  }

  std::string path_ = ::testing::TempDir() + "aloud-problems-XXXXXX";
};

TEST_F(ProblemsTest, ReadsTextAndNumbersAndSkipsEmptyLines) {
  const auto problems = read(
      "{\"prompt\": \"1+1\", \"answer\": 2}\r\n\n  \n"
      "{\"prompt\": \"你好\", \"answer\": \"\\\\frac{1}{2}\", \"more\": [1]}");
  ASSERT_TRUE(problems);
  ASSERT_EQ(problems->size(), 2u);
  EXPECT_EQ(problems->at(0).answer, "2");
  EXPECT_EQ(problems->at(1).prompt, "你好");
  EXPECT_EQ(problems->at(1).answer, "\\frac{1}{2}");
}

TEST_F(ProblemsTest, RefusesBadLinesByNumber) {
  const std::string good = "{\"prompt\": \"a\", \"answer\": \"b\"}\n\n";
  const std::string deep = "{\"prompt\": \"a\", \"answer\": \"b\", \"x\": " + std::string(100000, '[');
  for (const std::string& bad :
       {std::string("nonsense"), std::string("[]"), std::string("{\"prompt\": \"a\"}"),
        std::string("{\"prompt\": \"a\", \"answer\": true}"), std::string("\xff"), deep}) {
    const auto problems = read(good + bad);
    ASSERT_FALSE(problems) << bad.substr(0, 50);
    EXPECT_NE(problems.error().message.find("line 3"), std::string::npos) << problems.error().message;
  }
  EXPECT_FALSE(read("\n\n"));
  EXPECT_FALSE(read_problems("/nowhere/problems.jsonl"));
  EXPECT_FALSE(read_problems(::testing::TempDir()));
}

TEST(WilsonInterval, AgreesWithPublishedValues) {
  // 15 of 50, as in textbooks: 0.191 to 0.438.
  EXPECT_NEAR(wilson_interval(15, 50).low, 0.1910, 1e-4);
  EXPECT_NEAR(wilson_interval(15, 50).high, 0.4375, 1e-4);
  EXPECT_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_NEAR(wilson_interval(0, 10).high, 0.2775, 1e-4);
  EXPECT_NEAR(wilson_interval(10, 10).low, 0.7225, 1e-4);
  EXPECT_EQ(wilson_interval(10, 10).high, 1);
}

}  // namespace
}  // namespace aloud
