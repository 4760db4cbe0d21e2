// What a token is to its sequence.
#pragma once

namespace aloud {

// A role decides how a token is computed where there are two ways whose roundings differ (see
// latent_attention.h): it belongs to the token, not to the step in which it happens to be computed, so that
// the same text gives the same bits in any chunks and in any company.
enum class TokenRole {
  kGenerated,  // by this model, or put in for it to go on from, one or a few at a time
  kPrompt,     // given, many at a time
};

}  // namespace aloud
