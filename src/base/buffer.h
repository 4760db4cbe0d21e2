// Memory for values that are written before they are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

namespace aloud {

// An array that grows, and begins at a cache line. Growing clears nothing and keeps nothing.
template <class T>
class Buffer {
 public:
  T* data() { return memory_.get(); }
  const T* data() const { return memory_.get(); }
  // data() with room for n values.
  T* grow(std::int64_t n) {
    if (n > size_) {
      memory_.reset(new (kAlignment) T[static_cast<std::size_t>(n)]);
      size_ = n;
    }
    return data();
  }

 private:
  static_assert(std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>);
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(T* memory) const { ::operator delete[](memory, kAlignment); }
  };

  std::unique_ptr<T[], Free> memory_;
  std::int64_t size_ = 0;
};

}  // namespace aloud
