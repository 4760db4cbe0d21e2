// From GGUF metadata to a tokenizer.
#include "engine/vocabulary.h"

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/printable.h"
#include "text/pre_tokenizer.h"

namespace aloud {
namespace {

Result<const MetadataArray*> require_strings(const Metadata& metadata, std::string_view key) {
  const MetadataArray* array = metadata.array(key);
  if (array == nullptr || !array->is_string()) return fail("{}: missing or not an array of strings", key);
  return array;
}

Result<std::vector<std::string_view>> read_strings(const Metadata& metadata, std::string_view key) {
  TRY_ASSIGN(const MetadataArray* array, require_strings(metadata, key));
  std::vector<std::string_view> strings(array->size);
  for (std::size_t i = 0; i < array->size; ++i) strings[i] = array->string(i);
  return strings;
}

Result<std::vector<TokenKind>> read_kinds(const Metadata& metadata, std::string_view key) {
  std::vector<TokenKind> kinds;
  if (metadata.find(key) == nullptr) return kinds;
  const MetadataArray* array = metadata.array(key);
  if (array == nullptr || !array->is_integer()) return fail("{}: not an array of integers", key);
  kinds.reserve(array->size);
  for (std::size_t i = 0; i < array->size; ++i) {
    const std::int64_t number = array->integer(i);
    const bool known =
        number >= static_cast<int>(TokenKind::kNormal) && number <= static_cast<int>(TokenKind::kByte);
    kinds.push_back(known ? static_cast<TokenKind>(number) : TokenKind::kNormal);
  }
  return kinds;
}

// Where a file has no such token the key is missing, or all bits of the number are set.
Result<TokenId> read_token(const Metadata& metadata, std::string_view key, std::size_t size) {
  const MetadataEntry* entry = metadata.find(key);
  if (entry == nullptr) return kNoToken;
  const std::optional<std::int64_t> id = metadata.integer(key);
  if (!id) return fail("{}: not an integer", key);
  if (*id == -1 || *id == UINT32_MAX) return kNoToken;
  if (*id < 0 || static_cast<std::uint64_t>(*id) >= size) {
    return fail("{}: {}, but the vocabulary has {} tokens", key, *id, size);
  }
  return static_cast<TokenId>(*id);
}

Result<std::unique_ptr<Tokenizer>> read_tokenizer(const Metadata& metadata) {
  TRY_ASSIGN(const std::string_view model, metadata.require_string("tokenizer.ggml.model"));
  if (model != "gpt2") {
    return fail("the tokenizer \"{}\" is not supported, only byte-level BPE (\"gpt2\") is", printable(model));
  }
  VocabularySource source;
  source.pre_tokenizer = metadata.string("tokenizer.ggml.pre").value_or("");
  TRY_ASSIGN(source.pieces, read_strings(metadata, "tokenizer.ggml.tokens"));
  TRY_ASSIGN(source.kinds, read_kinds(metadata, "tokenizer.ggml.token_type"));
  TRY_ASSIGN(source.merges, read_strings(metadata, "tokenizer.ggml.merges"));
  const std::size_t size = source.pieces.size();
  TRY_ASSIGN(source.bos, read_token(metadata, "tokenizer.ggml.bos_token_id", size));
  TRY_ASSIGN(source.eos, read_token(metadata, "tokenizer.ggml.eos_token_id", size));
  for (const std::string_view key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    TRY_ASSIGN(const TokenId id, read_token(metadata, key, size));
    if (id != kNoToken) source.more_ends.push_back(id);
  }
  const PreTokenizer* pre_tokenizer = find_pre_tokenizer(source.pre_tokenizer);
  source.add_bos = metadata.boolean("tokenizer.ggml.add_bos_token")
                       .value_or(pre_tokenizer != nullptr && pre_tokenizer->adds_bos);
  return Tokenizer::create(source);
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> load_tokenizer(const GgufFile& file) {
  Result<std::unique_ptr<Tokenizer>> tokenizer = read_tokenizer(file.metadata());
  if (!tokenizer) return fail("{}: {}", printable(file.name()), tokenizer.error().message);
  return tokenizer;
}

}  // namespace aloud
