// The final answer that a reply marks: the last \boxed{...} or **...**.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aloud {

// What the reply boxes or sets bold last, without white space around it; nullopt when it marks nothing. Of
// two that are nested the inner one counts. Braces in a box must balance; bold text stays within its
// paragraph and is not empty.
std::optional<std::string> marked_answer(std::string_view reply);

}  // namespace aloud
