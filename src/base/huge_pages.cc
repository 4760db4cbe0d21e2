// Copies part after part and lets mremap put each copy in the place of its original.
#include "base/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace aloud {
namespace {

constexpr std::uintptr_t kHugePage = 2 << 20;
constexpr std::uintptr_t kPart = 8 * kHugePage;  // moved at a time, and copied between two looks at stop

constexpr std::uintptr_t round_up(std::uintptr_t address) {
  return (address + kHugePage - 1) / kHugePage * kHugePage;
}

}  // namespace

void move_into_huge_pages(std::span<const std::byte> bytes, const std::stop_token& stop) {
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = round_up(begin), last = (begin + bytes.size()) / kHugePage * kHugePage;
  if (first >= last) return;
  const std::uintptr_t size = last - first;
  void* const reserved = ::mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return;
  const auto reservation = reinterpret_cast<std::uintptr_t>(reserved);
  const std::uintptr_t copies = round_up(reservation);
  std::uintptr_t moved = 0;
  const bool has_huge_pages = ::madvise(reinterpret_cast<void*>(copies), size, MADV_HUGEPAGE) == 0;
  while (has_huge_pages && moved < size && !stop.stop_requested()) {
    const std::uintptr_t part = std::min(kPart, size - moved);
    void* const copy = reinterpret_cast<void*>(copies + moved);
    void* const original = reinterpret_cast<void*>(first + moved);
    std::memcpy(copy, original, part);
    // Readers find the bytes before, or wait for the system and find the same ones after.
    if (::mprotect(copy, part, PROT_READ) != 0 ||
        ::mremap(copy, part, part, MREMAP_MAYMOVE | MREMAP_FIXED, original) == MAP_FAILED) {
      break;
    }
    moved += part;
  }
  // Not what was moved away: others may have been given those addresses.
  ::munmap(reserved, copies - reservation);
  ::munmap(reinterpret_cast<void*>(copies + moved), reservation + size + kHugePage - copies - moved);
}

}  // namespace aloud
