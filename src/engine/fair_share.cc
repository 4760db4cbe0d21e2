// Lets rounds pass.
#include "engine/fair_share.h"

#include <algorithm>

namespace aloud {

void FairShare::pass_rounds(const Owner& first) {
  if (first.credit > 0) return;
  const std::int64_t rounds = -first.credit / kQuantumTokens + 1;
  for (auto& [name, owner] : owners_)
    owner.credit = std::min(kQuantumTokens, owner.credit + rounds * kQuantumTokens);
  std::erase_if(owners_, [](const auto& entry) {
    const Owner& owner = entry.second;
    return owner.credit == kQuantumTokens && owner.waiting == 0 && owner.running == 0;
  });
}

}  // namespace aloud
