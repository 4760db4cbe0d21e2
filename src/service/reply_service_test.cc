// Tests of replies from their request on, with a model that ends at once.
#include "service/reply_service.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/fake_model.h"
#include "engine/vocabulary.h"
#include "weights/random_vocabulary.h"

namespace aloud {
namespace {

constexpr std::uint32_t kVocabulary = 320;

std::vector<std::byte> fake_file() {
  GgufWriter writer;
  put_random_vocabulary(writer, kVocabulary, "gpt-2");
  std::vector<std::byte> bytes;
  CHECK(writer.write_to([&](std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return Status();
  }));
  return bytes;
}

Result<std::unique_ptr<ServedModel>> load_fake(const std::string& system_prompt) {
  static const std::vector<std::byte> bytes = fake_file();  // which the loaded model views
  TRY_ASSIGN(GgufFile file, GgufFile::from_memory(bytes, "fake"));
  TRY_ASSIGN(const auto tokenizer, load_tokenizer(file));
  auto model = std::make_unique<FakeModel>(kVocabulary, [eos = tokenizer->eos()](auto) { return eos; });
  TRY_ASSIGN(auto loaded,
             LoadedModel::create(std::move(file), std::move(model), {.threads = 1, .context = 256}));
  return ServedModel::start("fake", std::move(loaded),
                            {.scheduler = {.max_pages = 64}, .system_prompt = system_prompt});
}

class ReplyServiceThreadTest : public testing::Test {
 protected:
  explicit ReplyServiceThreadTest(std::string system_prompt = {})
      : models_({{.name = "fake", .load = [system_prompt] { return load_fake(system_prompt); }}}, 0),
        replies_(models_) {}

  static ReplyRequest request(std::vector<Message> messages) {
    return {.id = "reply",
            .owner = "anna",
            .model = {},
            .prompt = std::move(messages),
            .sampling = {},
            .options = {}};
  }

  std::size_t counted(const ReplyRequest& request) {
    std::promise<std::size_t> counted;
    replies_.count_prompt(
        request, [&](const RequestResult<std::size_t>& tokens) { counted.set_value(tokens ? *tokens : 0); });
    return counted.get_future().get();
  }

  // As the usage of a reply tells.
  std::size_t used(const ReplyRequest& request) {
    std::promise<std::size_t> used;
    replies_.start(request, [&](const RequestResult<std::shared_ptr<RunningReply>>& reply) {
      if (!reply) return used.set_value(0);
      (*reply)->listen(0, [&](std::int64_t, const ReplyEvent& event) {
        const auto* const end = std::get_if<FinishedEvent>(&event);
        if (end != nullptr && end->outcome) {
          used.set_value(static_cast<std::size_t>(end->outcome->usage.prompt_tokens));
        } else if (end != nullptr) {
          used.set_value(0);
        }
      });
    });
    return used.get_future().get();
  }

  ModelRegistry models_;
  ReplyService replies_;
};

constexpr const char* kOperators = "You teach.";

class OperatedReplyServiceThreadTest : public ReplyServiceThreadTest {
 protected:
  OperatedReplyServiceThreadTest() : ReplyServiceThreadTest(kOperators) {}
};

const Message kQuestion = {.role = Role::kUser, .content = "why"};
const Message kClients = {.role = Role::kSystem, .content = "Be brief."};

TEST_F(ReplyServiceThreadTest, APromptIsCountedAsItIsUsed) {
  const std::size_t plain = counted(request({kQuestion}));
  EXPECT_GT(plain, kQuestion.content.size());
  EXPECT_EQ(used(request({kQuestion})), plain);
  ReplyRequest without_thought = request({kQuestion});
  without_thought.options.thinking.enabled = false;
  EXPECT_NE(counted(without_thought), plain);
  EXPECT_EQ(used(without_thought), counted(without_thought));
  EXPECT_EQ(counted(request({kClients, kQuestion})), plain + kClients.content.size());
}

TEST_F(OperatedReplyServiceThreadTest, TheOperatorsWordsAreCountedToo) {
  const std::size_t plain = counted(request({kQuestion}));
  EXPECT_GT(plain, kQuestion.content.size() + std::string_view(kOperators).size());
  EXPECT_EQ(used(request({kQuestion})), plain);
  const std::size_t both = counted(request({kClients, kQuestion}));
  EXPECT_EQ(both, plain + std::string("\n\n").size() + kClients.content.size());
  EXPECT_EQ(used(request({kClients, kQuestion})), both);
}

TEST_F(ReplyServiceThreadTest, AModelThatIsNotThereCountsNothing) {
  ReplyRequest other = request({kQuestion});
  other.model = "other";
  EXPECT_EQ(counted(other), 0u);
}

}  // namespace
}  // namespace aloud
