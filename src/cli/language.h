// The language of help and messages: Chinese when the locale says so, else English.
#pragma once

namespace aloud {

// True when LC_ALL, LC_MESSAGES or LANG (the first that is set) begins with "zh".
bool speaks_chinese();

// One of two texts that say the same.
inline const char* tr(const char* english, const char* chinese) {
  return speaks_chinese() ? chinese : english;
}

}  // namespace aloud
