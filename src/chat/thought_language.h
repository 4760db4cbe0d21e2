// Languages that a thought can be steered to, and what is said in them when a thought must end.
#pragma once

#include <span>
#include <string_view>

namespace aloud {

struct ThoughtLanguage {
  std::string_view code;     // ISO 639-1
  std::string_view opening;  // the thought's first words: a model goes on in the language it has begun in
  std::string_view winding_down;  // the last words of a thought that went round in circles
};

// English first.
std::span<const ThoughtLanguage> thought_languages();
// nullptr when there is no such language.
const ThoughtLanguage* find_thought_language(std::string_view code);
// What a thought is written in, by the script of its end; English where the script does not tell.
const ThoughtLanguage& guess_thought_language(std::string_view thought);

}  // namespace aloud
