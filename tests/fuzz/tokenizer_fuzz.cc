// Fuzzes the tokenizer: any text with any untrusted spans comes back, without markup inside them, whole or as
// a stream.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/test_vocabulary.h"
#include "text/tokenizer.h"

namespace aloud {
namespace {

constexpr std::string_view kPreTokenizers[] = {"gpt2",         "qwen2",          "llama-bpe",
                                               "deepseek-llm", "deepseek-coder", "deepseek-v3"};

// The first byte chooses the pre-tokenizer and the number of span ends (0 to 8), the next bytes are their
// distances.
struct Input {
  std::size_t pre_tokenizer = 0;
  std::vector<TextSpan> untrusted;
  std::string_view text;
};

Input parse(std::string_view bytes) {
  Input input;
  if (bytes.empty()) return input;
  const auto first = static_cast<unsigned char>(bytes[0]);
  input.pre_tokenizer = first % std::size(kPreTokenizers);
  const std::size_t distances =
      std::min<std::size_t>(first / std::size(kPreTokenizers) % 9, bytes.size() - 1) & ~std::size_t{1};
  input.text = bytes.substr(1 + distances);
  std::size_t at = 0;
  for (std::size_t i = 0; i < distances; i += 2) {
    const auto distance = [&](std::size_t k) { return static_cast<unsigned char>(bytes[1 + k]); };
    const std::size_t begin = std::min(input.text.size(), at + distance(i));
    at = std::min(input.text.size(), begin + distance(i + 1));
    input.untrusted.push_back({begin, at});
  }
  return input;
}

void check_encoding(const Tokenizer& tokenizer, const Input& input) {
  std::vector<TokenId> ids;
  tokenizer.encode(input.text, input.untrusted, ids);
  std::size_t at = 0;
  for (const TokenId id : ids) {
    const std::string_view bytes = tokenizer.bytes(id);
    CHECK(!bytes.empty() && input.text.substr(at, bytes.size()) == bytes);
    for (const TextSpan& span : input.untrusted) {
      const bool overlaps = span.begin < at + bytes.size() && at < span.end;
      CHECK(!overlaps || !tokenizer.is_markup(id));
    }
    at += bytes.size();
  }
  CHECK(at == input.text.size());
}

void check_stream(const Tokenizer& tokenizer, std::string_view text) {
  StreamDecoder decoder(tokenizer);
  std::string streamed;
  for (const TokenId id : tokenizer.encode_plain(text)) {
    CHECK(!tokenizer.is_markup(id));
    const std::string part = decoder.push(id);
    CHECK(is_valid_utf8(part));
    streamed += part;
  }
  streamed += decoder.finish();
  CHECK(streamed == replace_malformed_utf8(text));
}

}  // namespace
}  // namespace aloud

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aloud;
  static const auto tokenizers = [] {
    std::array<std::unique_ptr<Tokenizer>, std::size(kPreTokenizers)> made;
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = TestVocabulary(kPreTokenizers[i]).tokenizer();
    return made;
  }();
  const Input input = parse({reinterpret_cast<const char*>(data), size});
  const Tokenizer& tokenizer = *tokenizers[input.pre_tokenizer];
  check_encoding(tokenizer, input);
  check_stream(tokenizer, input.text);
  return 0;
}
