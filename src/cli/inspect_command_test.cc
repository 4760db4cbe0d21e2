// Tests of aloud inspect: what it prints for people and as JSON.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "weights/gguf_testing.h"

namespace aloud {

int run_inspect(int argc, char** argv);

namespace {

struct Output {
  int code = 0;
  std::string out;
  std::string err;
};

Output inspect(std::vector<std::string> words) {
  words.insert(words.begin(), "inspect");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  Output output;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  output.code = run_inspect(static_cast<int>(pointers.size()), pointers.data());
  std::fflush(nullptr);
  output.out = testing::internal::GetCapturedStdout();
  output.err = testing::internal::GetCapturedStderr();
  return output;
}

class InspectTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("LC_ALL", "C", 1);
    path_ = testing::TempDir() + "inspect_" + std::to_string(::getpid()) + ".gguf";
    GgufWriter writer = small_file();
    writer.set("llama.context_length", std::uint32_t{2048});
    writer.set("general.name", std::string("evil \x1b[31mname\n\xff"));
    writer.set("tokenizer.ggml.model", std::string("gpt2"));
    writer.set("tokenizer.ggml.tokens", MetadataList{std::vector<std::string>(100, "\x1b]0;title\x07")});
    writer.set("tokenizer.chat_template", std::string(300, 't'));
    ASSERT_TRUE(writer.write(path_).has_value());
  }
  void TearDown() override { std::remove(path_.c_str()); }

  std::string path_;
};

TEST_F(InspectTest, tells_people) {
  const Output output = inspect({path_});
  EXPECT_EQ(output.code, kExitSuccess);
  for (const char* line :
       {"architecture    llama", "name            evil \\x1b[31mname\\x0a\\xff",
        "context         2048 tokens", "tokenizer       gpt2, 100 tokens", "chat template   300 bytes",
        "t.u64                    uint64", "18446744073709551615", "string[100]", "parameters      1.74 k",
        "--tensors lists the 5 tensors"}) {
    EXPECT_NE(output.out.find(line), std::string::npos) << line << " in\n" << output.out;
  }
  EXPECT_EQ(output.out.find('\x1b'), std::string::npos);
  EXPECT_EQ(output.out.find('\x07'), std::string::npos);
  EXPECT_EQ(output.out.find("d.q8_0"), std::string::npos);
  EXPECT_NE(inspect({path_, "--tensors"}).out.find("d.q8_0   Q8_0      [32, 2, 3]"), std::string::npos);
  EXPECT_EQ(inspect({"--model", path_}).out, output.out);
}

TEST_F(InspectTest, tells_programs) {
  const Output output = inspect({path_, "--json"});
  EXPECT_EQ(output.code, kExitSuccess);
  EXPECT_EQ(output.out.find('\x1b'), std::string::npos);
  const auto json = nlohmann::json::parse(output.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << output.out;
  EXPECT_EQ(json["file"], path_);
  EXPECT_EQ(json["version"], 3);
  EXPECT_EQ(json["architecture"], "llama");
  EXPECT_EQ(json["parameters"], 5 + 6 + 512 + 192 + 1024);
  EXPECT_EQ(json["metadata"]["t.i64"], -9000000000000000000);
  EXPECT_EQ(json["metadata"]["t.u64"], 0xFFFFFFFFFFFFFFFF);
  EXPECT_EQ(json["metadata"]["t.yes"], true);
  EXPECT_EQ(json["metadata"]["a.bool"], nlohmann::json::array({true, false, true}));
  EXPECT_EQ(json["metadata"]["a.text"], nlohmann::json::array({"", "one", "two words"}));
  EXPECT_EQ(json["metadata"]["general.name"], "evil \x1b[31mname\n\xef\xbf\xbd");
  EXPECT_EQ(json["metadata"]["tokenizer.ggml.tokens"]["size"], 100);
  EXPECT_EQ(json["metadata"]["tokenizer.ggml.tokens"]["first"].size(), 8u);
  EXPECT_EQ(json["types"]["Q8_0"]["bytes"], 204);
  ASSERT_EQ(json["tensors"].size(), 5u);
  EXPECT_EQ(json["tensors"][3]["name"], "d.q8_0");
  EXPECT_EQ(json["tensors"][3]["type"], "Q8_0");
  EXPECT_EQ(json["tensors"][3]["shape"], nlohmann::json::array({32, 2, 3}));
  EXPECT_EQ(json["tensors"][3]["bytes"], 204);
}

TEST_F(InspectTest, the_default_model) {
  const Output output = inspect({"--json"});
  EXPECT_EQ(output.code, kExitSuccess);
  const auto json = nlohmann::json::parse(output.out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_FALSE(json["tensors"].empty());
}

TEST_F(InspectTest, errors_are_one_line) {
  const Output missing = inspect({"/none\n.gguf"});
  EXPECT_EQ(missing.code, kExitFailure);
  EXPECT_EQ(missing.out, "");
  EXPECT_EQ(missing.err, "aloud inspect: /none\\x0a.gguf: No such file or directory\n");
  EXPECT_EQ(inspect({"--unknown"}).code, kExitUsage);
  EXPECT_EQ(inspect({path_, "--model", path_}).code, kExitUsage);
  EXPECT_EQ(inspect({"--help"}).code, kExitSuccess);
}

}  // namespace
}  // namespace aloud
