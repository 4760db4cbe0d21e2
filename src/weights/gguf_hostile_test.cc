// Hostile GGUF files: cut anywhere, any byte changed, counts that lie; and what they may cost in memory.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "weights/gguf.h"
#include "weights/gguf_testing.h"

namespace {

// Bytes that operator new holds now, and at most since the last reset.
std::atomic<std::size_t> allocated_bytes{0};
std::atomic<std::size_t> peak_bytes{0};

void* counted_allocate(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  const std::size_t now = allocated_bytes += malloc_usable_size(memory);
  for (std::size_t peak = peak_bytes; now > peak && !peak_bytes.compare_exchange_weak(peak, now);) {
  }
  return memory;
}

void counted_free(void* memory) {
  if (memory != nullptr) allocated_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return counted_allocate(size); }
void operator delete(void* memory) noexcept { counted_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { counted_free(memory); }

namespace aloud {
namespace {

constexpr std::size_t kAllowedBytes = 64 << 20;

// Opens a copy whose end is the end of an allocation, so that a sanitizer sees the first byte beyond it.
// Returns whether it was valid; adds what memory it took beyond the file's own size.
bool open_exactly(std::string_view bytes, std::size_t* extra = nullptr) {
  const std::vector<std::byte> copy(bytes_of(bytes).begin(), bytes_of(bytes).end());
  const std::size_t before = allocated_bytes;
  peak_bytes = before;
  const auto file = GgufFile::from_memory(copy, "hostile");
  const std::size_t taken = peak_bytes - before;
  EXPECT_LE(taken, copy.size() + kAllowedBytes);
  if (extra != nullptr) *extra = taken;
  if (!file) {
    EXPECT_NE(file.error().message.find("hostile: "), std::string::npos);
    return false;
  }
  touch_everything(*file);
  return true;
}

TEST(gguf_hostile, the_memory_counter_counts) {
  peak_bytes = allocated_bytes.load();
  const std::size_t before = peak_bytes;
  { const std::vector<char> some(1 << 20); }
  EXPECT_GE(peak_bytes - before, 1u << 20);
}

TEST(gguf_hostile, cut_at_every_byte) {
  const std::string bytes = written_bytes(small_file());
  ASSERT_TRUE(open_exactly(bytes));
  // The last tensor is 224 bytes long and followed by 32 of padding, which may be missing.
  const std::size_t needed = bytes.size() - 32;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(open_exactly(std::string_view(bytes).substr(0, size)), size >= needed) << size;
  }
}

TEST(gguf_hostile, every_header_byte_changed) {
  const std::string bytes = written_bytes(small_file());
  const std::size_t header = bytes.size() - 1088;  // tensors with their padding
  std::size_t valid = 0;
  std::size_t refused = 0;
  for (std::size_t at = 0; at < header; ++at) {
    const auto old = static_cast<unsigned char>(bytes[at]);
    for (const int changed : {old ^ 0xFF, old + 1, old - 1, 0x00, 0x01, 0x7F, 0x80, 0xFF}) {
      std::string hostile = bytes;
      hostile[at] = static_cast<char>(changed);
      (open_exactly(hostile) ? valid : refused) += 1;
    }
  }
  EXPECT_GT(valid, 0u);    // such as another letter in a key
  EXPECT_GT(refused, 0u);  // such as another magic
}

TEST(gguf_hostile, random_changes) {
  const std::string bytes = written_bytes(small_file());
  const std::size_t header = bytes.size() - 1088;
  std::mt19937 random(11);
  for (int round = 0; round < 5000; ++round) {
    std::string hostile = bytes;
    for (int change = 0; change < 1 + round % 6; ++change) {
      const std::size_t at = random() % header;
      switch (random() % 4) {
        case 0:
          hostile[at] = static_cast<char>(random());
          break;
        case 1:
          hostile.erase(at, 1 + random() % 16);
          break;
        case 2:
          hostile.insert(at, 1 + random() % 16, static_cast<char>(random()));
          break;
        default: {
          const std::uint64_t huge = ~0ull >> random() % 64;
          std::memcpy(hostile.data() + at, &huge, sizeof huge);
        }
      }
    }
    open_exactly(hostile);
  }
}

// Counts that lie must not reserve memory: these files are a few bytes long.
TEST(gguf_hostile, lying_counts_cost_little) {
  for (const std::uint64_t count : {0x10000ull, 0x20000ull, 0xFFFFFFFFull, 1ull << 40, ~0ull >> 3, ~0ull}) {
    for (std::uint32_t element = 0; element <= 12; ++element) {
      std::size_t extra = 0;
      EXPECT_FALSE(
          open_exactly(RawGguf{}.header(0, 1).text("k").u32(9).u32(element).u64(count).bytes, &extra));
      EXPECT_LT(extra, 1u << 20);
    }
    EXPECT_FALSE(open_exactly(RawGguf{}.header(count, 0).bytes));
    EXPECT_FALSE(open_exactly(RawGguf{}.header(0, count).bytes));
    EXPECT_FALSE(open_exactly(RawGguf{}.header(count, count).bytes));
  }
}

// The densest files: as many of the smallest things as the limits allow.
TEST(gguf_hostile, dense_files_stay_within_the_bound) {
  RawGguf strings = RawGguf{}.header(0, 1).text("k").u32(9).u32(8).u64(1 << 20);
  strings.zeros(8 << 20);
  std::size_t extra = 0;
  EXPECT_TRUE(open_exactly(strings.bytes, &extra));
  EXPECT_LE(extra, strings.bytes.size() + (1 << 20));  // as the header promises: eight bytes a string

  RawGguf entries = RawGguf{}.header(0, kMaxMetadataEntries);
  for (std::size_t i = 0; i < kMaxMetadataEntries; ++i) entries.text(std::to_string(i)).u32(0).u8(0);
  EXPECT_TRUE(open_exactly(entries.bytes));

  RawGguf tensors = RawGguf{}.header(kMaxTensors, 0);
  for (std::size_t i = 0; i < kMaxTensors; ++i) tensors.tensor(std::to_string(i), {1}, 0, 32 * i);
  tensors.pad().zeros(32 * kMaxTensors);
  EXPECT_TRUE(open_exactly(tensors.bytes));
}

}  // namespace
}  // namespace aloud
