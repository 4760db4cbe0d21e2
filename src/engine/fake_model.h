// For tests: a model whose next token is a function of the tokens before it, and which checks its caller.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/check.h"
#include "models/model.h"

namespace aloud {

// Keeps each token and its role in its place in the pages, as a real model keeps keys, and reads the past
// from there.
class FakeModel : public Model {
 public:
  using Script = std::function<std::int32_t(std::span<const std::int32_t> tokens)>;

  // roles_matter: a script is told ~token for what was generated.
  FakeModel(std::int64_t vocabulary, Script script, bool roles_matter = false) : script_(std::move(script)) {
    shape_.architecture = "fake";
    shape_.layers = 1;
    shape_.hidden = 1;
    shape_.vocabulary = vocabulary;
    shape_.context = 1 << 20;
    shape_.roles_matter = roles_matter;
    shape_.kv = {.layers = 1, .heads = 1, .key_width = 2, .value_width = 0};
  }

  // Says these tokens one after another once there are prompt_tokens, and then the last of them for ever.
  static Script reply(std::int64_t prompt_tokens, std::vector<std::int32_t> tokens) {
    return [prompt_tokens, tokens = std::move(tokens)](std::span<const std::int32_t> all) {
      const std::size_t at = all.size() - static_cast<std::size_t>(prompt_tokens);
      return tokens[std::min(at, tokens.size() - 1)];
    };
  }

  const ModelShape& shape() const override { return shape_; }
  std::int64_t attention_scratch_bytes(std::int64_t, std::int64_t) const override { return 1000; }

  Status forward(std::span<const SequenceStep> steps, float* logits, const std::atomic<bool>* stop) override {
    CHECK(std::ranges::is_sorted(steps, {}, &SequenceStep::role));
    if (before_forward) {
      if (Status status = before_forward(steps); !status) return status;
    }
    if (stop != nullptr && *stop) return {};
    check_pages(steps);
    for (const SequenceStep& step : steps) {
      roles.push_back(step.role);
      CHECK(!step.tokens.empty());
      CHECK(static_cast<std::int64_t>(step.kv.pages.size()) * kPageTokens >=
            step.kv.length + static_cast<std::int64_t>(step.tokens.size()));
      chunks.push_back(static_cast<std::int64_t>(step.tokens.size()));
      for (std::size_t i = 0; i < step.tokens.size(); ++i) {
        CHECK(step.tokens[i] >= 0 && step.tokens[i] < shape_.vocabulary);
        std::uint16_t* place = slot(step.kv, step.kv.length + static_cast<std::int64_t>(i));
        place[0] = static_cast<std::uint16_t>(step.tokens[i]);
        place[1] = static_cast<std::uint16_t>(step.tokens[i] >> 16);
        if (step.role == TokenRole::kGenerated) place[1] |= kGeneratedBit;
      }
      if (step.logits == Logits::kNone) continue;
      CHECK(step.logits == Logits::kLast);
      std::vector<std::int32_t> all;
      const std::int64_t length = step.kv.length + static_cast<std::int64_t>(step.tokens.size());
      for (std::int64_t i = 0; i < length; ++i) {
        const std::uint16_t* place = slot(step.kv, i);
        const std::int32_t token = place[0] | ((place[1] & ~kGeneratedBit) << 16);
        all.push_back(shape_.roles_matter && (place[1] & kGeneratedBit) != 0 ? ~token : token);
      }
      std::fill_n(logits, shape_.vocabulary, 0.0f);
      const std::int32_t next = script_(all);
      logits[next] = certainty;
      logits += shape_.vocabulary;
    }
    return {};
  }

  // Called first in every step; an error is the step's.
  std::function<Status(std::span<const SequenceStep>)> before_forward;
  float certainty = 10;              // the logit of the script's token; those of the others are 0
  std::vector<std::int64_t> chunks;  // tokens of each step so far
  std::vector<TokenRole> roles;      // and their roles

 private:
  static constexpr std::uint16_t kGeneratedBit = 0x8000;

  // No sequence has a page twice, and one that is written belongs to one sequence.
  static void check_pages(std::span<const SequenceStep> steps) {
    std::unordered_map<const std::byte*, int> uses;
    for (const SequenceStep& step : steps) {
      std::unordered_set<const std::byte*> own(step.kv.pages.begin(), step.kv.pages.end());
      CHECK(own.size() == step.kv.pages.size() && !own.contains(nullptr));
      for (const std::byte* page : own) ++uses[page];
    }
    for (const SequenceStep& step : steps) {
      for (std::size_t i = static_cast<std::size_t>(step.kv.length / kPageTokens); i < step.kv.pages.size();
           ++i)
        CHECK(uses[step.kv.pages[i]] == 1);
    }
  }

  static std::uint16_t* slot(const KvView& kv, std::int64_t token) {
    std::byte* page = kv.pages[static_cast<std::size_t>(token / kPageTokens)];
    return reinterpret_cast<std::uint16_t*>(page) + token % kPageTokens * 2;
  }

  ModelShape shape_;
  Script script_;
};

}  // namespace aloud
