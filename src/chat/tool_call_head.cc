// Reads beginnings of calls; each time from their first byte, as they are short.
#include "chat/tool_call_head.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "chat/spaces.h"

namespace aloud {
namespace {

// Other JSON objects are answers.
constexpr std::string_view kKeys[] = {"name", "function", "arguments", "parameters", "type", "id"};

// Reads from the front of a text that may end too early.
class HeadReader {
 public:
  HeadReader(std::string_view text, std::span<const std::string> tools) : text_(text), tools_(tools) {}

  ToolCallHead hermes() {
    if (!expect("<tool_call>")) return head_;
    return object();
  }

  ToolCallHead llama() {
    if (text_.starts_with('<') && !expect("<|python_tag|>")) return head_;
    return object();
  }

  ToolCallHead deepseek() {
    if (starts_like("<｜tool▁calls▁begin｜>") && !expect("<｜tool▁calls▁begin｜>")) return head_;
    skip_spaces();
    if (!expect("<｜tool▁call▁begin｜>")) return head_;
    const std::size_t separator = text_.find(kDeepSeekSeparator, at_);
    if (separator == std::string_view::npos) return head_;
    std::string_view name = trimmed(text_.substr(at_, separator - at_));
    at_ = separator + kDeepSeekSeparator.size();
    skip_spaces();
    if (at_ == text_.size()) return head_;
    if (text_[at_] != '{') {
      // What stood before the separator was the type, always "function".
      const std::size_t line_end = text_.find_first_of("\n`{", at_);
      if (line_end == std::string_view::npos) return head_;
      name = trimmed(text_.substr(at_, line_end - at_));
      at_ = line_end;
      skip_fence();
    }
    if (!is_offered(name)) return none();
    if (at_ == text_.size()) return head_;
    return text_[at_] == '{' ? open(name) : none();
  }

 private:
  ToolCallHead none() { return {.kind = ToolCallHead::Kind::kNone}; }
  ToolCallHead open(std::string_view name) {
    return {.kind = ToolCallHead::Kind::kOpen, .name = std::string(name), .arguments_begin = at_};
  }
  bool is_offered(std::string_view name) const { return std::ranges::find(tools_, name) != tools_.end(); }

  static std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(kSpaces)));
    return text.substr(0, text.find_last_not_of(kSpaces) + 1);
  }

  void skip_spaces() { at_ = std::min(text_.size(), text_.find_first_not_of(kSpaces, at_)); }

  // "```json" and what white space there is.
  void skip_fence() {
    skip_spaces();
    while (at_ < text_.size() && text_[at_] == '`') ++at_;
    for (const char c : std::string_view("json"))
      if (at_ < text_.size() && text_[at_] == c) ++at_;
    skip_spaces();
  }

  // The rest begins with tag, or may when there is more of it.
  bool starts_like(std::string_view tag) const {
    const std::string_view rest = text_.substr(at_);
    return rest.starts_with(tag) || tag.starts_with(rest);
  }

  // True when tag was read; else head_ says whether it may still come.
  bool expect(std::string_view tag) {
    if (text_.substr(at_).starts_with(tag)) {
      at_ += tag.size();
      return true;
    }
    head_.kind = starts_like(tag) ? ToolCallHead::Kind::kUnfinished : ToolCallHead::Kind::kNone;
    return false;
  }

  // Just after a value that begins here; npos when its end has not come.
  std::size_t value_end() const {
    if (text_[at_] == '"') {
      for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
        if (text_[i] == '\\') {
          ++i;
        } else if (text_[i] == '"') {
          return i + 1;
        }
      }
      return std::string_view::npos;
    }
    if (text_[at_] != '{' && text_[at_] != '[') return text_.find_first_of(",}\n", at_);
    JsonExtent extent;
    for (std::size_t i = at_; i < text_.size(); ++i)
      if (extent.push(text_[i])) return i + 1;
    return std::string_view::npos;
  }

  // A string that begins here, decoded; absent when it is none, or (head_ says so) not complete.
  std::optional<std::string> string() {
    head_.kind = ToolCallHead::Kind::kNone;
    if (text_[at_] != '"') return std::nullopt;
    const std::size_t end = value_end();
    if (end == std::string_view::npos) {
      head_.kind = ToolCallHead::Kind::kUnfinished;
      return std::nullopt;
    }
    const auto value = nlohmann::json::parse(text_.substr(at_, end - at_), nullptr, false);
    if (!value.is_string()) return std::nullopt;
    at_ = end;
    return value.get<std::string>();
  }

  // The members of {"name": ..., "arguments": ...}, in any order, also with the keys of relatives.
  ToolCallHead object() {
    skip_spaces();
    if (!expect("{")) return head_;
    std::optional<std::string> name, arguments;
    for (bool first = true;; first = false) {
      skip_spaces();
      if (at_ == text_.size()) return {};
      if (text_[at_] == '}') {
        ++at_;
        if (!name) return none();
        return {.kind = ToolCallHead::Kind::kWhole,
                .name = *name,
                .arguments = arguments.value_or("{}"),
                .end = at_};
      }
      if (!first && !expect(",")) return head_;
      skip_spaces();
      if (at_ == text_.size()) return {};
      const std::optional<std::string> key = string();
      if (!key) return head_;
      if (std::ranges::find(kKeys, *key) == std::end(kKeys)) return none();
      skip_spaces();
      if (!expect(":")) return head_;
      skip_spaces();
      if (at_ == text_.size()) return {};
      const bool is_arguments = *key == "arguments" || *key == "parameters";
      if (is_arguments && name && text_[at_] == '{') return open(*name);
      if ((*key == "name" || *key == "function") && text_[at_] == '"') {
        name = string();
        if (!name) return head_;
        if (!is_offered(*name)) return none();
      } else if (is_arguments && text_[at_] == '"') {
        arguments = string();
        if (!arguments) return head_;
      } else {
        const std::size_t end = value_end();
        if (end == std::string_view::npos) return {};
        const std::string_view value = trimmed(text_.substr(at_, end - at_));
        if (is_arguments && value != "null" && !value.starts_with('{')) return none();
        if (is_arguments && value != "null") arguments = value;
        at_ = end;
      }
    }
  }

  std::string_view text_;
  std::span<const std::string> tools_;
  std::size_t at_ = 0;
  ToolCallHead head_;
};

}  // namespace

ToolCallHead read_tool_call_head(ToolSyntax syntax, std::string_view text,
                                 std::span<const std::string> tools) {
  HeadReader reader(text, tools);
  ToolCallHead head;
  switch (syntax) {
    case ToolSyntax::kHermes:
      head = reader.hermes();
      break;
    case ToolSyntax::kLlama:
      head = reader.llama();
      break;
    case ToolSyntax::kDeepSeekR1:
    case ToolSyntax::kDeepSeekV31:
      head = reader.deepseek();
  }
  if (head.kind == ToolCallHead::Kind::kUnfinished && text.size() > kMostHeadBytes)
    head.kind = ToolCallHead::Kind::kNone;
  return head;
}

bool JsonExtent::push(char c) {
  if (in_string_) {
    // A line never ends inside a string: one that was not closed must not swallow what follows.
    if (c == '\n' || (c == '"' && !escaped_)) in_string_ = false;
    escaped_ = c == '\\' && !escaped_;
    return false;
  }
  if (c == '"') {
    in_string_ = true;
    escaped_ = false;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if (c == '}' || c == ']') {
    return --depth_ <= 0;
  }
  return false;
}

}  // namespace aloud
