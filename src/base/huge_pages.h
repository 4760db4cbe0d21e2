// Memory in large pages, whose addresses cost less to translate.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>

namespace aloud {

// Moves bytes of a mapped file into memory of the process, in huge pages where the system has them, while any
// thread reads them where they are; they must stay mapped until it returns. What is not a whole huge page
// stays as it is, and so does what is left when it is asked to stop or there is no memory. Files on a disk
// are mapped in pages of 4 KB, and streaming over those costs up to a fifth of the time in translating
// addresses.
void move_into_huge_pages(std::span<const std::byte> bytes, const std::stop_token& stop);

}  // namespace aloud
