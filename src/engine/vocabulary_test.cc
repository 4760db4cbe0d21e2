// Tests of vocabularies from model files: the reference rows of five published ones, and files that lack
// something.
#include "engine/vocabulary.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "weights/gguf_writer.h"
#include "weights/random_vocabulary.h"

namespace aloud {
namespace {

const std::string kFolder = ALOUD_TEST_DATA "/tokenizers/";

std::unique_ptr<Tokenizer> open_tokenizer(const std::string& name) {
  const Result<GgufFile> file = GgufFile::open(kFolder + name + ".gguf");
  if (!file) return nullptr;
  Result<std::unique_ptr<Tokenizer>> tokenizer = load_tokenizer(*file);
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

class Vocabulary : public testing::TestWithParam<const char*> {};

TEST_P(Vocabulary, EveryReferenceRowIsExact) {
  const auto tokenizer = open_tokenizer(GetParam());
  ASSERT_NE(tokenizer, nullptr);
  std::ifstream file(kFolder + GetParam() + ".jsonl");
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const auto row = nlohmann::json::parse(line);
    const auto text = row["text"].get<std::string>();
    EXPECT_EQ(tokenizer->encode_plain(text), row["ids"].get<std::vector<TokenId>>()) << line;
    EXPECT_EQ(tokenizer->encode_markup(text), row["ids_special"].get<std::vector<TokenId>>()) << line;
    std::string bytes;
    for (const TokenId id : tokenizer->encode_plain(text)) bytes += tokenizer->bytes(id);
    EXPECT_EQ(bytes, text);
  }
  EXPECT_GT(rows, 200);
}

INSTANTIATE_TEST_SUITE_P(Published, Vocabulary,
                         testing::Values("qwen2", "llama-bpe", "deepseek-llm", "deepseek-coder",
                                         "deepseek-v3"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(LoadTokenizer, TakesTheSpecialTokensFromTheFile) {
  const auto llama = open_tokenizer("llama-bpe");
  ASSERT_NE(llama, nullptr);
  EXPECT_EQ(llama->bytes(llama->bos()), "<|begin_of_text|>");
  EXPECT_EQ(llama->bytes(llama->eos()), "<|end_of_text|>");
  EXPECT_TRUE(llama->add_bos());  // the file does not say so, the family does
  EXPECT_TRUE(llama->is_end_of_turn(llama->find_markup("<|eot_id|>")));
  const auto qwen = open_tokenizer("qwen2");
  ASSERT_NE(qwen, nullptr);
  EXPECT_FALSE(qwen->add_bos());
  EXPECT_TRUE(qwen->is_end_of_turn(qwen->find_markup("<|im_end|>")));
  EXPECT_EQ(qwen->size(), 151936);
  const auto v3 = open_tokenizer("deepseek-v3");
  ASSERT_NE(v3, nullptr);
  EXPECT_TRUE(v3->add_bos());
  EXPECT_TRUE(v3->is_markup(v3->find_markup("<｜User｜>")));
  EXPECT_EQ(v3->kind(v3->find_markup("<｜User｜>")), TokenKind::kUserDefined);
}

GgufWriter small_file() {
  GgufWriter writer;
  writer.set("general.architecture", std::string("llama"));
  writer.set("tokenizer.ggml.model", std::string("gpt2"));
  writer.set("tokenizer.ggml.pre", std::string("gpt-2"));
  writer.set("tokenizer.ggml.tokens", MetadataList(std::vector<std::string>{"a", "b", "ab", "<s>", "</s>"}));
  writer.set("tokenizer.ggml.token_type", MetadataList(std::vector<std::int32_t>{1, 1, 1, 3, 3}));
  writer.set("tokenizer.ggml.merges", MetadataList(std::vector<std::string>{"a b"}));
  writer.set("tokenizer.ggml.bos_token_id", std::uint32_t{3});
  writer.set("tokenizer.ggml.eos_token_id", std::uint32_t{4});
  return writer;
}

// The tokenizer of what writer says, or the error.
Result<std::unique_ptr<Tokenizer>> load(const GgufWriter& writer) {
  std::vector<std::byte> bytes;
  TRY(writer.write_to([&bytes](std::span<const std::byte> more) -> Status {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return {};
  }));
  TRY_ASSIGN(const GgufFile file, GgufFile::from_memory(bytes, "small.gguf"));
  return load_tokenizer(file);
}

TEST(LoadTokenizer, DoesNotReferToTheFile) {
  const auto tokenizer = load(small_file());
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->encode_plain("abba"), (std::vector<TokenId>{2, 1, 0}));
  EXPECT_EQ((*tokenizer)->encode_markup("ab</s>"), (std::vector<TokenId>{2, 4}));
  EXPECT_FALSE((*tokenizer)->add_bos());
}

TEST(LoadTokenizer, ReadsAnyTextWithTheVocabularyOfRandomModels) {
  GgufWriter writer;
  put_random_vocabulary(writer, 320, "deepseek-r1-qwen");
  std::vector<std::byte> content;
  const Status written = writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    content.insert(content.end(), bytes.begin(), bytes.end());
    return {};
  });
  ASSERT_TRUE(written);
  const auto file = GgufFile::from_memory(content, "test");
  ASSERT_TRUE(file) << file.error().message;
  const auto tokenizer = load_tokenizer(*file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->size(), 320);
  const std::string text = "Wie, 你?\n";
  EXPECT_EQ((*tokenizer)->encode_plain(text).size(), text.size());
  EXPECT_EQ((*tokenizer)->encode_markup("<think>"), std::vector<TokenId>{318});
  EXPECT_EQ((*tokenizer)->bytes(256), " w256");
  EXPECT_EQ((*tokenizer)->bytes((*tokenizer)->eos()), "<｜end▁of▁sentence｜>");
}

TEST(LoadTokenizer, ATokenThatIsNotThere) {
  GgufWriter writer = small_file();
  writer.set("tokenizer.ggml.bos_token_id", std::uint32_t{0xFFFFFFFF});
  writer.set("tokenizer.ggml.add_bos_token", true);
  const auto tokenizer = load(writer);
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->bos(), kNoToken);
  EXPECT_FALSE((*tokenizer)->add_bos());
}

TEST(LoadTokenizer, ErrorsNameTheFileAndTheKey) {
  const auto expect = [](const char* key, MetadataValue value, const char* what) {
    GgufWriter writer = small_file();
    writer.set(key, std::move(value));
    const auto tokenizer = load(writer);
    ASSERT_FALSE(tokenizer.has_value()) << key;
    const std::string& message = tokenizer.error().message;
    EXPECT_NE(message.find("small.gguf: "), std::string::npos) << message;
    EXPECT_NE(message.find(what), std::string::npos) << message;
  };
  expect("tokenizer.ggml.model", std::string("llama"), "\"llama\" is not supported");
  expect("tokenizer.ggml.model", std::uint32_t{1}, "tokenizer.ggml.model");
  expect("tokenizer.ggml.pre", std::string("tekken"), "\"tekken\" is not supported");
  expect("tokenizer.ggml.tokens", MetadataList(std::vector<std::uint32_t>{1}), "tokenizer.ggml.tokens");
  expect("tokenizer.ggml.tokens", MetadataList(std::vector<std::string>{"a"}),
         "tokenizer.ggml.bos_token_id: 3");
  expect("tokenizer.ggml.token_type", MetadataList(std::vector<std::int32_t>{1}), "1 token types");
  expect("tokenizer.ggml.token_type", std::string("x"), "tokenizer.ggml.token_type");
  expect("tokenizer.ggml.merges", MetadataList(std::vector<std::string>{"a c"}), "merge 0 (\"a c\")");
  expect("tokenizer.ggml.eos_token_id", std::uint32_t{5}, "tokenizer.ggml.eos_token_id: 5");
  expect("tokenizer.ggml.eot_token_id", std::string("x"), "tokenizer.ggml.eot_token_id");
}

}  // namespace
}  // namespace aloud
