// The time: for measuring, and as the world tells it.
#pragma once

#include <cstdint>
#include <string>

namespace aloud {

// Never goes back; only differences mean something.
double steady_seconds();

// Milliseconds since 1970, UTC.
std::int64_t unix_milliseconds();

// "2026-01-31T08:30:00", UTC.
std::string utc_text(std::int64_t unix_seconds);

}  // namespace aloud
