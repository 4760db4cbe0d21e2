// Makes up tokens.
#include "weights/random_vocabulary.h"

#include <fmt/format.h>

#include <iterator>
#include <vector>

#include "base/byte_alphabet.h"
#include "base/check.h"

namespace aloud {
namespace {

constexpr std::int32_t kNormal = 1, kControl = 3, kUserDefined = 4;  // as files number them

struct Markup {
  const char* text;
  std::int32_t kind;
};
constexpr Markup kMarkup[] = {
    {"<｜begin▁of▁sentence｜>", kControl}, {"<｜end▁of▁sentence｜>", kControl}, {"<｜User｜>", kUserDefined},
    {"<｜Assistant｜>", kUserDefined},     {"<think>", kUserDefined},           {"</think>", kUserDefined},
};

}  // namespace

void put_random_vocabulary(GgufWriter& writer, std::uint32_t size, const std::string& pre_tokenizer) {
  CHECK(size >= 300);
  const std::uint32_t first_markup = size - static_cast<std::uint32_t>(std::size(kMarkup));
  std::vector<std::string> tokens(256);
  for (std::size_t byte = 0; byte < tokens.size(); ++byte)
    append_byte_letter(static_cast<unsigned char>(byte), tokens[byte]);
  const std::string space = tokens[' '];
  for (std::uint32_t id = 256; id < first_markup; ++id) tokens.push_back(fmt::format("{}w{}", space, id));
  std::vector<std::int32_t> kinds(tokens.size(), kNormal);
  for (const Markup& markup : kMarkup) {
    tokens.emplace_back(markup.text);
    kinds.push_back(markup.kind);
  }
  writer.set("tokenizer.ggml.model", std::string("gpt2"));
  writer.set("tokenizer.ggml.pre", pre_tokenizer);
  writer.set("tokenizer.ggml.tokens", MetadataList(std::move(tokens)));
  writer.set("tokenizer.ggml.token_type", MetadataList(std::move(kinds)));
  writer.set("tokenizer.ggml.merges", MetadataList(std::vector<std::string>()));
  writer.set("tokenizer.ggml.bos_token_id", first_markup);
  writer.set("tokenizer.ggml.eos_token_id", first_markup + 1);
  writer.set("tokenizer.ggml.add_bos_token", true);
}

}  // namespace aloud
