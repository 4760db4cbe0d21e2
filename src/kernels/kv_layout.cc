// Checks what pages can hold.
#include "kernels/kv_layout.h"

namespace aloud {

Status KvLayout::check() const {
  if (type != DType::kF16 && type != DType::kBF16 && type != DType::kQ8_0) {
    return fail("keys and values as {}: expected F16, BF16 or Q8_0", info(type).name);
  }
  if (type == DType::kQ8_0 && (key_width % kKvGroup != 0 || value_width % kKvGroup != 0)) {
    return fail(
        "keys and values as Q8_0: the {} and {} values of a head are not multiples of {}; take F16 or BF16",
        key_width, value_width, kKvGroup);
  }
  return {};
}

}  // namespace aloud
