// Whose turn it is: deficit round robin between owners, counted in tokens.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace aloud {

// Somebody whose sequences compete with those of others.
struct Owner {
  std::int64_t credit = 0;   // tokens; what is computed is taken from it
  std::int64_t waiting = 0;  // sequences, as the following
  std::int64_t running = 0;
};

// As in "Efficient Fair Queuing Using Deficit Round Robin" (Shreedhar, Varghese 1995), but tokens are paid
// for when they have been computed, since nobody knows the length of a reply: a round gives every owner a
// quantum, nobody saves more than one, and debts stay. Unknown owners have a whole quantum: so new ones come
// first, and those with a whole quantum are forgotten when they have no sequences.
class FairShare {
 public:
  static constexpr std::int64_t kQuantumTokens = 512;

  Owner& owner(const std::string& name) {
    return owners_.try_emplace(name, Owner{.credit = kQuantumTokens}).first->second;
  }
  // Rounds pass until the credit of an owner is positive: of that among those who want something that has the
  // most. Owners without sequences may be forgotten.
  void pass_rounds(const Owner& first);
  // Nobody has a sequence: debts are owed to nobody.
  void forget_all() { owners_.clear(); }

  std::int64_t owners() const { return std::ssize(owners_); }

 private:
  std::map<std::string, Owner> owners_;
};

}  // namespace aloud
