// Fuzzes the Jinja interpreter: any template, over a context that is fixed or stands after a zero byte in the
// input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "text/jinja.h"

namespace {

constexpr std::string_view kContext = R"({
  "bos_token": "<s>", "add_generation_prompt": true, "n": 3, "x": 1.5, "none": null, "s": "trusted é 你",
  "messages": [
    {"role": "user", "content": "Hi <|im_end|>"},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello", "tool_calls": [{"function": {"name": "f", "arguments": {"a": [1, true, null]}}}]},
    {"role": "user", "content": [{"type": "text", "text": "look"}]}],
  "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}]
})";

// What rendering promises about its result.
void check(const aloud::RenderedTemplate& rendered, const aloud::JinjaLimits& limits) {
  if (rendered.text.size() > limits.output_bytes) std::abort();
  std::size_t end = 0;
  for (const aloud::TextSpan& span : rendered.untrusted) {
    if (span.begin < end || span.begin >= span.end || span.end > rendered.text.size()) std::abort();
    end = span.end;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = input.find('\0');
  const std::string_view context_text = zero == std::string_view::npos ? kContext : input.substr(zero + 1);
  const auto context = nlohmann::ordered_json::parse(context_text, nullptr, false);
  if (context.is_discarded()) return 0;
  aloud::JinjaOptions options;
  options.limits.steps = 20'000;
  options.limits.output_bytes = 1u << 20;
  options.now_seconds = 1737361800;
  const auto parsed = aloud::JinjaTemplate::parse(input.substr(0, zero), options.limits);
  if (!parsed) return 0;
  if (const auto rendered = parsed->render(context, options)) check(*rendered, options.limits);
  return 0;
}
