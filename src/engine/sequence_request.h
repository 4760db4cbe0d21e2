// What is asked of the scheduler, who takes what comes of it, and why it may be refused.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/generation.h"
#include "engine/sampling_parameters.h"
#include "text/tokenizer.h"

namespace aloud {

struct SequenceRequest {
  std::vector<TokenId> prompt;
  SamplingParameters sampling;
  std::int64_t max_tokens = 0;  // to sample
  std::string owner;            // whose share it counts against; computed pages are shared within an owner
  std::int64_t public_tokens =
      0;             // of the beginning of the prompt: their whole pages are shared by everybody
  int priority = 0;  // larger goes first, whoever owns it
};

// Takes the tokens of one sequence. All calls come from the engine's thread, one at a time; they may call
// submit() and cancel(), and must not take long: everybody waits for them.
class SequenceClient : public TokenConsumer {
 public:
  // In the queue, 1 is next. Told when it changes and every second; again when a sequence that had begun has
  // to make room for others, which only costs it time.
  virtual void waiting(std::int64_t /*position*/, double /*seconds_estimate*/) {}
  // The prompt is being read; done includes the cached tokens, which were computed before, and grows.
  virtual void reading(std::int64_t /*done*/, std::int64_t /*total*/, std::int64_t /*cached*/) {}
  // The last call, always exactly one; the client is destroyed after it. Errors: those of the model's step
  // and of hand_over().
  virtual void finished(Result<Generation> result) = 0;
};

using SequenceId = std::uint64_t;  // never 0

// Why a request is not taken.
struct Refusal {
  enum class Kind {
    kInvalid,         // a value is out of its range
    kDoesNotFit,      // the prompt is longer than the context or than the memory for it
    kQueueFull,       // too many wait
    kOwnerQueueFull,  // too many of this owner wait
    kStopping,        // the program is about to end
  } kind;
  std::string message;             // what was found, what was expected
  double retry_after_seconds = 0;  // when it may go better; 0: not without a change
};

}  // namespace aloud
