// Jinja, as far as chat templates use it: parse once, render many times, with limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace aloud {

// What a template may use up before rendering ends with an error.
struct JinjaLimits {
  std::int64_t steps = 2'000'000;  // nodes evaluated, characters of strings made / 64
  int depth = 100;                 // nesting of brackets and blocks, of macros that call macros, of data
  std::size_t output_bytes = 64u << 20;  // also the largest string on the way
};

struct JinjaOptions {
  JinjaLimits limits;
  // Local time that strftime_now() shows; the clock when absent.
  std::optional<std::int64_t> now_seconds;  // since 1970-01-01, already in local time
};

// Text and which parts of it came, directly or through filters and methods, from untrusted strings of the
// context: everything below the keys "messages", "tools" and "documents" except each message's "role". (A
// "role" deeper down, say among the arguments of a tool call, is as untrusted as its surroundings.)
struct RenderedTemplate {
  std::string text;
  std::vector<TextSpan> untrusted;  // sorted, disjoint, not empty
};

// A parsed template. Semantics are those of Jinja2 3.1's ImmutableSandboxedEnvironment with trim_blocks,
// lstrip_blocks, loopcontrols, tojson without ASCII escapes, raise_exception and strftime_now. Immutable: any
// thread may render.
class JinjaTemplate {
 public:
  // Errors: what was expected, and the line.
  static Result<JinjaTemplate> parse(std::string_view source, const JinjaLimits& limits = {});
  JinjaTemplate(JinjaTemplate&&) noexcept;
  JinjaTemplate& operator=(JinjaTemplate&&) noexcept;
  ~JinjaTemplate();

  // context is a JSON object: the template's variables. Errors: the template's own (raise_exception), an
  // undefined value used, a wrong type, a limit passed; each with its line.
  Result<RenderedTemplate> render(const nlohmann::ordered_json& context,
                                  const JinjaOptions& options = {}) const;

 private:
  struct State;
  explicit JinjaTemplate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aloud
