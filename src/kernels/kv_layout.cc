// Checks what pages can hold.
#include "kernels/kv_layout.h"

#include <algorithm>
#include <utility>

namespace aloud {

Status KvLayout::check(std::string_view key_width_name, std::string_view value_width_name) const {
  if (std::ranges::find(kKvTypes, type) == std::end(kKvTypes)) {
    return fail("keys and values as {}: expected F16, BF16 or Q8_0", info(type).name);
  }
  for (const auto& [name, width] :
       {std::pair{key_width_name, key_width}, std::pair{value_width_name, value_width}}) {
    if (type == DType::kQ8_0 && width % kKvGroup != 0) {
      return fail("keys and values as Q8_0: {} is {}, expected a multiple of {}; F16 and BF16 take any", name,
                  width, kKvGroup);
    }
  }
  return {};
}

}  // namespace aloud
