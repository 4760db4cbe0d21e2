// The face of the interpreter: parses and renders, and turns the template's exceptions into results.
#include "text/jinja.h"

#include "text/jinja_interpreter.h"
#include "text/jinja_lexer.h"

namespace aloud {

using jinja::Heap;
using jinja::JinjaError;

struct JinjaTemplate::State {
  std::string source;
  Heap heap;
  jinja::Syntax syntax;
};

namespace {

tl::unexpected<Error> as_failure(const JinjaError& error) {
  return error.line > 0 ? fail("line {}: {}", error.line, error.message) : fail("{}", error.message);
}

// Parsing is linear in the source and charges for every node and token, so a long source needs more than a
// rendering.
JinjaLimits parsing_limits(const JinjaLimits& limits, std::size_t source_size) {
  JinjaLimits parsing = limits;
  parsing.steps += static_cast<std::int64_t>(source_size) * 16;
  return parsing;
}

}  // namespace

JinjaTemplate::JinjaTemplate(std::unique_ptr<State> state) : state_(std::move(state)) {}
JinjaTemplate::JinjaTemplate(JinjaTemplate&&) noexcept = default;
JinjaTemplate& JinjaTemplate::operator=(JinjaTemplate&&) noexcept = default;
JinjaTemplate::~JinjaTemplate() = default;

Result<JinjaTemplate> JinjaTemplate::parse(std::string_view source, const JinjaLimits& limits) {
  if (source.size() > limits.output_bytes)
    return fail("the template is longer than {} bytes", limits.output_bytes);
  auto state = std::unique_ptr<State>(
      new State{jinja::normalize_newlines(source), Heap(parsing_limits(limits, source.size())), {}});
  try {
    state->syntax = jinja::parse_template(state->source, state->heap);
  } catch (const JinjaError& error) {
    return as_failure(error);
  }
  return JinjaTemplate(std::move(state));
}

Result<RenderedTemplate> JinjaTemplate::render(const nlohmann::ordered_json& context,
                                               const JinjaOptions& options) const {
  Heap heap(options.limits);
  try {
    return jinja::Interpreter(state_->syntax, options, heap).render(context);
  } catch (const JinjaError& error) {
    return as_failure(error);
  }
}

}  // namespace aloud
