// Randomness and hashing are libsodium's.
#include "store/secret.h"

#include <sodium.h>

#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/printable.h"
#include "base/utf8.h"

namespace aloud {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kMaxNameBytes = 64;
constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

template <std::size_t kBytes>
std::array<unsigned char, kBytes> random_bytes() {
  CHECK(sodium_init() >= 0);
  std::array<unsigned char, kBytes> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

std::string base64(std::span<const unsigned char> bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), kBase64), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kBase64);
  text.pop_back();  // the NUL
  return text;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string random_id(std::string_view prefix) {
  const auto bytes = random_bytes<kIdBytes>();
  std::string hex(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  hex.pop_back();  // the NUL
  return std::string(prefix) + hex;
}

bool is_id(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kMaxNameBytes && std::all_of(text.begin(), text.end(), allowed);
}

bool is_key_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes && text.front() != '-' && is_valid_utf8(text) &&
         text != "." && text != ".." && text.find(' ') == text.npos && printable(text) == text;
}

std::string random_secret(std::string_view prefix) {
  return std::string(prefix) + base64(random_bytes<kSecretBytes>());
}

SecretHash hash_secret(std::string_view purpose, std::string_view secret) {
  CHECK(sodium_init() >= 0);
  // The key has at least 16 bytes: the purpose with zeros behind it.
  std::array<unsigned char, crypto_generichash_KEYBYTES> key{};
  CHECK(purpose.size() <= key.size());
  std::copy(purpose.begin(), purpose.end(), key.begin());
  SecretHash hash;
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(), bytes_of(secret),
                     secret.size(), key.data(), key.size());
  return hash;
}

std::string csrf_token(std::string_view session_secret) {
  const SecretHash hash = hash_secret("csrf", session_secret);
  return base64(std::span(reinterpret_cast<const unsigned char*>(hash.data()), hash.size()));
}

bool same_secret(std::string_view a, std::string_view b) {
  CHECK(sodium_init() >= 0);
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace aloud
