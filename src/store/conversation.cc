// The names of the states of a reply.
#include "store/conversation.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace aloud {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"running", "complete", "failed", "cancelled",
                                                    "interrupted"};

}  // namespace

std::string_view name(ReplyStatus status) { return kNames[static_cast<std::size_t>(status)]; }

std::optional<ReplyStatus> find_reply_status(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ReplyStatus>(found - kNames.begin());
}

}  // namespace aloud
