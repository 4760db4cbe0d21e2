// Random ids and secrets, the hashes that are stored instead of secrets, and the names that are allowed.
#pragma once

#include <string>
#include <string_view>

#include "store/access.h"

namespace aloud {

// The prefix and 128 random bits in hex: "conv_5f0c...".
std::string random_id(std::string_view prefix);

// Ids that clients may choose: 1 to 64 of A-Z a-z 0-9 _ -
bool is_id(std::string_view text);

// Names of keys, and so of owners: 1 to 64 bytes of UTF-8 without spaces, control characters and a leading
// "-"; not "." and "..", which no address can hold.
bool is_key_name(std::string_view text);

inline constexpr std::string_view kKeyPrefix = "sk-aloud-";

// The prefix and 256 random bits in base64 for addresses, without padding.
std::string random_secret(std::string_view prefix);

inline constexpr std::string_view kKeyPurpose = "key";
inline constexpr std::string_view kSessionPurpose = "session";

// BLAKE2b-256 with the purpose as its key, so that one kind of secret never passes for the other.
// Slow hashes such as argon2 protect what people make up, of which there is little to try. Of 256 random bits
// there are too many to try however fast the hash, and a slow one would only delay every request.
SecretHash hash_secret(std::string_view purpose, std::string_view secret);

// What a page sends with every write to show that it is ours: another site may make a browser send the
// cookie, but can neither read it nor compute this from anything else. Not stored.
std::string csrf_token(std::string_view session_secret);
// In a time that does not depend on where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace aloud
