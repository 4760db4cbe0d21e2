// Two ways to the same result: short pieces by looking for the best pair again and again, long ones rank by
// rank.
#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "base/check.h"

namespace aloud {
namespace {

// Up to here looking through all pairs for each merge is faster than keeping them in order.
constexpr std::size_t kMostShort = 96;
constexpr std::uint32_t kEnd = 0xFFFFFFFF;  // no symbol, nothing waiting

}  // namespace

Bpe::Bpe(const std::array<TokenId, 256>& bytes, std::vector<Merge> merges)
    : bytes_(bytes), replacement_{bytes[0xEF], bytes[0xBF], bytes[0xBD]} {
  CHECK(merges.size() < kNever);
  slots_.resize(std::bit_ceil(merges.size() * 2 + 2));
  shift_ = 64 - std::countr_zero(slots_.size());
  results_.reserve(merges.size());
  for (const Merge& merge : merges) {
    Slot& slot = slots_[slot_of(merge.left, merge.right)];
    if (slot.rank == kNever) slot = {merge.left, merge.right, static_cast<std::uint32_t>(results_.size())};
    results_.push_back(merge.result);
  }
}

// The pair's slot, or the free one where it would go.
inline std::size_t Bpe::slot_of(TokenId left, TokenId right) const {
  const std::uint64_t key =
      std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  std::size_t slot = key * 0x9E3779B97F4A7C15u >> shift_;
  while (slots_[slot].rank != kNever && (slots_[slot].left != left || slots_[slot].right != right)) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

inline std::uint32_t Bpe::rank_of(TokenId left, TokenId right) const {
  return slots_[slot_of(left, right)].rank;
}

void Bpe::to_symbols(std::string_view piece, std::vector<TokenId>& ids) const {
  ids.clear();
  for (const char c : piece) {
    const TokenId id = bytes_[static_cast<unsigned char>(c)];
    if (id != kNoToken) {
      ids.push_back(id);
      continue;
    }
    for (const TokenId part : replacement_) {
      if (part != kNoToken) ids.push_back(part);
    }
  }
}

void Bpe::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  CHECK(piece.size() < kEnd / 3);
  std::vector<TokenId>& ids = scratch.ids_;
  to_symbols(piece, ids);
  if (ids.size() > kMostShort) return merge_long(scratch, out);
  merge_short(ids);
  out.insert(out.end(), ids.begin(), ids.end());
}

void Bpe::merge_short(std::vector<TokenId>& ids) const {
  std::uint32_t ranks[kMostShort];  // of ids[i] with ids[i + 1]
  std::size_t count = ids.size();
  for (std::size_t i = 0; i + 1 < count; ++i) ranks[i] = rank_of(ids[i], ids[i + 1]);
  while (count > 1) {
    const std::size_t at = static_cast<std::size_t>(std::min_element(ranks, ranks + count - 1) - ranks);
    if (ranks[at] == kNever) break;
    ids[at] = results_[ranks[at]];
    std::copy(ids.begin() + static_cast<std::ptrdiff_t>(at) + 2,
              ids.begin() + static_cast<std::ptrdiff_t>(count),
              ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    std::copy(ranks + at + 1, ranks + count - 1, ranks + at);
    --count;
    if (at > 0) ranks[at - 1] = rank_of(ids[at - 1], ids[at]);
    if (at + 1 < count) ranks[at] = rank_of(ids[at], ids[at + 1]);
  }
  ids.resize(count);
}

// A long piece keeps its pairs in one list per rank and takes the lists in order of rank: nearly every pair
// that a merge makes has a higher rank than the merge itself (its result had to exist before it could be
// merged further), so it goes to a list that is still to come. The few that do not are urgent and wait in a
// small heap.
void Bpe::merge_long(Scratch& scratch, std::vector<TokenId>& out) const {
  auto& symbols = scratch.symbols_;
  const auto count = static_cast<std::uint32_t>(scratch.ids_.size());
  symbols.resize(count);
  scratch.first_waiting_.resize(results_.size(), kEnd);
  scratch.waiting_.clear();
  scratch.free_waiting_ = kEnd;
  for (std::uint32_t i = count; i-- > 0;) {
    symbols[i] = {scratch.ids_[i], kNever, i == 0 ? kEnd : i - 1, i + 1 == count ? kEnd : i + 1};
  }
  // From the back: the lists then come out in the order of the text.
  for (std::uint32_t i = count; i-- > 0;) wait(scratch, i, 0);
  while (!scratch.ranks_.empty()) {
    std::pop_heap(scratch.ranks_.begin(), scratch.ranks_.end(), std::greater<>());
    const std::uint32_t rank = scratch.ranks_.back();
    scratch.ranks_.pop_back();
    scratch.batch_.clear();
    for (std::uint32_t i = std::exchange(scratch.first_waiting_[rank], kEnd); i != kEnd;) {
      scratch.batch_.push_back(scratch.waiting_[i].at);
      const std::uint32_t next = std::exchange(scratch.waiting_[i].next, scratch.free_waiting_);
      scratch.free_waiting_ = std::exchange(i, next);
    }
    if (!std::is_sorted(scratch.batch_.begin(), scratch.batch_.end())) {
      std::reverse(scratch.batch_.begin(), scratch.batch_.end());
      if (!std::is_sorted(scratch.batch_.begin(), scratch.batch_.end())) {
        std::sort(scratch.batch_.begin(), scratch.batch_.end());
      }
    }
    for (std::size_t i = 0; i < scratch.batch_.size() || !scratch.urgent_.empty();) {
      const std::uint64_t own =
          i < scratch.batch_.size() ? std::uint64_t{rank} << 32 | scratch.batch_[i] : ~std::uint64_t{0};
      std::uint64_t best = own;
      if (!scratch.urgent_.empty() && scratch.urgent_.front() < own) {
        best = scratch.urgent_.front();
        std::pop_heap(scratch.urgent_.begin(), scratch.urgent_.end(), std::greater<>());
        scratch.urgent_.pop_back();
      } else {
        ++i;
      }
      const auto at = static_cast<std::uint32_t>(best);
      if (symbols[at].rank == best >> 32) merge_at(scratch, at, rank);
    }
  }
  for (std::uint32_t i = 0; i != kEnd; i = symbols[i].next) out.push_back(symbols[i].id);
}

// Merges the symbol at `at` with the next one. floor: the rank whose list is being worked on.
void Bpe::merge_at(Scratch& scratch, std::uint32_t at, std::uint32_t floor) const {
  auto& symbols = scratch.symbols_;
  Scratch::Symbol& symbol = symbols[at];
  Scratch::Symbol& gone = symbols[symbol.next];
  symbol.id = results_[symbol.rank];
  symbol.next = gone.next;
  gone.rank = kNever;
  if (symbol.next != kEnd) symbols[symbol.next].previous = at;
  if (symbol.previous != kEnd) wait(scratch, symbol.previous, floor);
  wait(scratch, at, floor);
}

// Looks up the merge of the symbol at `at` with its next one, and puts it where it will be found in time.
void Bpe::wait(Scratch& scratch, std::uint32_t at, std::uint32_t floor) const {
  Scratch::Symbol& symbol = scratch.symbols_[at];
  symbol.rank = symbol.next == kEnd ? kNever : rank_of(symbol.id, scratch.symbols_[symbol.next].id);
  if (symbol.rank == kNever) return;
  if (floor != 0 && symbol.rank <= floor) {
    scratch.urgent_.push_back(std::uint64_t{symbol.rank} << 32 | at);
    std::push_heap(scratch.urgent_.begin(), scratch.urgent_.end(), std::greater<>());
    return;
  }
  std::uint32_t& first = scratch.first_waiting_[symbol.rank];
  if (first == kEnd) {
    scratch.ranks_.push_back(symbol.rank);
    std::push_heap(scratch.ranks_.begin(), scratch.ranks_.end(), std::greater<>());
  }
  if (scratch.free_waiting_ == kEnd) {
    scratch.free_waiting_ = static_cast<std::uint32_t>(scratch.waiting_.size());
    scratch.waiting_.push_back({0, kEnd});
  }
  const std::uint32_t entry = scratch.free_waiting_;
  scratch.free_waiting_ = scratch.waiting_[entry].next;
  scratch.waiting_[entry] = {at, first};
  first = entry;
}

}  // namespace aloud
