// Many sequences in one forward pass: each gets the bits that it gets alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "models/model_testing.h"

namespace aloud {
namespace {

constexpr std::size_t kSequences = 32;
constexpr std::int64_t kGenerated = 4;

// What one sequence is given: a prompt, then tokens one at a time, and the logits of the prompt's last token
// and of each one after it.
struct Script {
  std::vector<std::int32_t> tokens;
  std::int64_t prompt = 0;
  std::vector<float> logits;
};

// Prompts of 1 to 80 tokens, which is more than a page.
std::vector<Script> random_scripts(std::int64_t vocabulary) {
  std::mt19937 generator(7);
  std::vector<Script> scripts(kSequences);
  for (Script& script : scripts) {
    script.prompt = std::uniform_int_distribution<std::int64_t>(1, 80)(generator);
    std::uniform_int_distribution<std::int64_t> token(0, vocabulary - 1);
    for (std::int64_t i = 0; i < script.prompt + kGenerated; ++i)
      script.tokens.push_back(static_cast<std::int32_t>(token(generator)));
  }
  return scripts;
}

// A sequence on its way through its script.
class Reader {
 public:
  Reader(const Script& script, const KvLayout& layout) : script_(script), timeline_(layout, 128) {}

  bool is_done() const { return timeline_.length == std::ssize(script_.tokens); }
  bool is_generating() const { return timeline_.length >= script_.prompt; }
  // The next token, or up to `chunk` of the prompt.
  SequenceStep step(std::int64_t chunk) {
    now_ = is_generating() ? 1 : std::min(chunk, script_.prompt - timeline_.length);
    const bool wanted = timeline_.length + now_ >= script_.prompt;
    return {
        .kv = timeline_.view(),
        .tokens = std::span(script_.tokens)
                      .subspan(static_cast<std::size_t>(timeline_.length), static_cast<std::size_t>(now_)),
        .role = is_generating() ? TokenRole::kGenerated : TokenRole::kPrompt,
        .logits = wanted ? Logits::kLast : Logits::kNone};
  }
  // After the pass; returns the next sequence's logits.
  const float* advance(const float* logits, std::int64_t vocabulary) {
    timeline_.length += now_;
    if (timeline_.length < script_.prompt) return logits;
    found_.insert(found_.end(), logits, logits + vocabulary);
    return logits + vocabulary;
  }
  const std::vector<float>& found() const { return found_; }

 private:
  const Script& script_;
  Timeline timeline_;
  std::int64_t now_ = 0;
  std::vector<float> found_;
};

void run_alone(Loaded& loaded, Script& script) {
  Reader reader(script, loaded.model->shape().kv);
  std::vector<float> logits(static_cast<std::size_t>(loaded.vocabulary()));
  while (!reader.is_done()) {
    const SequenceStep step[] = {reader.step(script.prompt)};
    EXPECT_TRUE(loaded.model->forward(step, logits.data()));
    reader.advance(logits.data(), loaded.vocabulary());
  }
  script.logits = reader.found();
}

// All sequences together: they begin one after another, their prompts come in chunks of changing sizes, and
// tokens are generated beside them.
void expect_the_same_together(Loaded& loaded, const std::vector<Script>& scripts, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<Reader> readers;
  readers.reserve(scripts.size());
  std::vector<float> logits(scripts.size() * static_cast<std::size_t>(loaded.vocabulary()));
  for (;;) {
    for (std::size_t i = generator() % 12; i > 0 && readers.size() < scripts.size(); --i)
      readers.emplace_back(scripts[readers.size()], loaded.model->shape().kv);
    std::vector<Reader*> active;
    for (Reader& reader : readers) {
      if (!reader.is_done()) active.push_back(&reader);
    }
    std::ranges::shuffle(active, generator);
    std::ranges::stable_partition(active, &Reader::is_generating);
    if (active.empty() && readers.size() == scripts.size()) break;
    std::vector<SequenceStep> steps;
    for (Reader* reader : active) steps.push_back(reader->step(1 + generator() % 70));
    EXPECT_TRUE(loaded.model->forward(steps, logits.data()));
    const float* next = logits.data();
    for (Reader* reader : active) next = reader->advance(next, loaded.vocabulary());
  }
  for (std::size_t i = 0; i < scripts.size(); ++i)
    EXPECT_EQ(readers[i].found(), scripts[i].logits) << "sequence " << i;
}

class SlowBatch : public testing::TestWithParam<Isa> {};

TEST_P(SlowBatch, EverySequenceGetsTheBitsThatItGetsAlone) {
  std::vector<std::string> names = {"qwen2-Q6_K", "deepseek3-Q4_K_M"};
  std::vector<int> thread_counts = {3};
  if (GetParam() != Isa::kScalar) {  // which takes long
    names.insert(names.end(),
                 {"llama-F16", "llama-Q4_K_M", "qwen3-Q8_0", "deepseek2-Q8_0", "deepseek3old-F16"});
    thread_counts = {1, 2, 3};
  }
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    Loaded one(name + ".gguf", GetParam(), 1);
    std::vector<Script> scripts = random_scripts(one.vocabulary());
    for (Script& script : scripts) run_alone(one, script);
    for (const int threads : thread_counts) {
      SCOPED_TRACE(threads);
      Loaded many(name + ".gguf", GetParam(), threads);
      expect_the_same_together(many, scripts, static_cast<std::uint32_t>(threads));
    }
  }
}

// Each call to other threads is a barrier. q/k/v, attention, output, gate and up, down: what lies between is
// too small to share.
TEST(Barriers, OneTokenPassesFivePerLayer) {
  Loaded loaded("qwen2-Q4_K_M.gguf", supported_isas().front(), 2);
  std::vector<Script> scripts = random_scripts(loaded.vocabulary());
  Reader reader(scripts[0], loaded.model->shape().kv);
  std::vector<float> logits(static_cast<std::size_t>(loaded.vocabulary()));
  while (!reader.is_done()) {
    const bool is_generating = reader.is_generating();
    const SequenceStep step[] = {reader.step(scripts[0].prompt)};
    const std::uint32_t before = loaded.pool.shared_loops();
    EXPECT_TRUE(loaded.model->forward(step, logits.data()));
    const std::uint32_t barriers = loaded.pool.shared_loops() - before;
    reader.advance(logits.data(), loaded.vocabulary());
    if (is_generating) {
      EXPECT_LE(barriers, 5 * loaded.model->shape().layers + 1);  // and the output
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, SlowBatch, testing::ValuesIn(supported_isas().begin(), supported_isas().end()),
                         [](const auto& tested) { return std::string(name(tested.param)); });

}  // namespace
}  // namespace aloud
