// Walks, grows and prunes the tree of pages.
#include "engine/prefix_tree.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace aloud {

struct PrefixTree::EdgeView {
  bool is_public;
  std::string_view owner;  // empty where public
  std::span<const TokenId> keys;
};

struct PrefixTree::Edge {
  bool is_public;
  std::string owner;
  std::vector<TokenId> keys;

  EdgeView view() const { return {is_public, owner, keys}; }
};

// Edges with the same beginning stand side by side.
struct PrefixTree::EdgeOrder {
  using is_transparent = void;
  static bool less(const EdgeView& a, const EdgeView& b) {
    if (a.is_public != b.is_public) return a.is_public;
    if (const auto order = a.owner <=> b.owner; order != 0) return order < 0;
    return std::ranges::lexicographical_compare(a.keys, b.keys);
  }
  bool operator()(const Edge& a, const Edge& b) const { return less(a.view(), b.view()); }
  bool operator()(const Edge& a, const EdgeView& b) const { return less(a.view(), b); }
  bool operator()(const EdgeView& a, const Edge& b) const { return less(a, b.view()); }
};

class PrefixTree::Node {
 public:
  using Children = std::map<Edge, std::unique_ptr<Node>, EdgeOrder>;

  std::span<const TokenId> keys() const { return self->first.keys; }

  Node* parent = nullptr;
  Children children;
  Children::iterator self;  // in the parent's children
  std::byte* page = nullptr;
  std::int64_t depth = 0;    // pages up to here
  std::int64_t holders = 0;  // sequences that hold this node or one below
  std::uint64_t last_use = 0;
};

// Every use has a number of its own, so no two nodes are alike.
bool PrefixTree::LastUse::operator()(const Node* a, const Node* b) const { return a->last_use < b->last_use; }

PrefixTree::PrefixTree(KvPool& pool) : pool_(pool), root_(std::make_unique<Node>()) {}

PrefixTree::~PrefixTree() {
  CHECK(root_->holders == 0);
  while (evict()) {
  }
}

std::byte* PrefixTree::page(const Node* node) { return node->page; }

void PrefixTree::update_evictable(Node* node) {
  if (node->parent == nullptr) return;
  if (node->holders == 0 && node->children.empty()) {
    evictable_.insert(node);
  } else {
    evictable_.erase(node);
  }
}

void PrefixTree::hold(Node* place) {
  for (Node* node = place; node->parent != nullptr; node = node->parent) {
    if (node->holders == 0) --idle_;
    ++node->holders;
    update_evictable(node);
  }
  ++root_->holders;
}

void PrefixTree::release(Node* place) {
  // What lies deeper counts as used earlier, so that a text is evicted from its end.
  for (Node* node = place; node->parent != nullptr; node = node->parent) {
    CHECK(node->holders > 0);
    node->last_use = ++now_;
    if (--node->holders == 0) ++idle_;
    update_evictable(node);
  }
  --root_->holders;
}

// The edge of the page that follows a place: all of it or what there is.
PrefixTree::EdgeView PrefixTree::edge_at(const Node* place, const PrefixText& text) {
  const std::int64_t first = place->depth * kPageTokens;
  const std::int64_t count = std::min(kPageTokens, std::ssize(text.keys) - first);
  CHECK(count >= 0);
  const bool is_public = first + kPageTokens <= text.public_tokens;
  return {is_public, is_public ? std::string_view() : text.owner,
          text.keys.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count))};
}

// The child that agrees longest with an edge: one of the two beside which it would stand.
PrefixTree::Closest PrefixTree::closest(const Node* place, const EdgeView& edge) {
  Closest best;
  const auto consider = [&](const Node::Children::value_type& child) {
    const EdgeView other = child.first.view();
    if (other.is_public != edge.is_public || other.owner != edge.owner) return;
    const std::int64_t common = std::ranges::mismatch(edge.keys, other.keys).in1 - edge.keys.begin();
    if (common > best.common) best = {child.second.get(), common};
  };
  const auto after = place->children.lower_bound(edge);
  if (after != place->children.end()) consider(*after);
  if (after != place->children.begin()) consider(*std::prev(after));
  return best;
}

PrefixTree::Found PrefixTree::find(const PrefixText& text) {
  Found found;
  found.place = root_.get();
  for (;;) {
    const Closest next = closest(found.place, edge_at(found.place, text));
    if (next.common < kPageTokens) {
      if (next.common > 0) found.next = next.node;
      found.next_tokens = next.common;
      return found;
    }
    found.place = next.node;
    found.pages.push_back(next.node->page);
  }
}

// The child with this edge, or with one that goes on from it; a new one where there is none.
PrefixTree::Node* PrefixTree::put(Node* place, const EdgeView& edge, std::byte* page) {
  const Closest there = closest(place, edge);
  if (there.common == std::ssize(edge.keys)) return there.node;
  // A leaf that shows less of the same page says nothing more.
  if (there.node != nullptr && there.common == std::ssize(there.node->keys())) erase(there.node);

  auto node = std::make_unique<Node>();
  node->parent = place;
  node->page = page;
  node->depth = place->depth + 1;
  node->last_use = ++now_;
  pool_.share(page);
  ++nodes_;
  ++idle_;
  Edge own{edge.is_public, std::string(edge.owner), {edge.keys.begin(), edge.keys.end()}};
  const auto added = place->children.emplace(std::move(own), std::move(node)).first;
  Node* child = added->second.get();
  child->self = added;
  update_evictable(child);
  update_evictable(place);
  return child;
}

void PrefixTree::erase(Node* leaf) {
  CHECK(leaf->children.empty() && leaf->holders == 0);
  Node* parent = leaf->parent;
  evictable_.erase(leaf);
  pool_.give_back(leaf->page);
  --nodes_;
  --idle_;
  parent->children.erase(leaf->self);
  update_evictable(parent);
}

PrefixTree::Node* PrefixTree::extend(Node* place, const PrefixText& text, std::byte* page) {
  const EdgeView edge = edge_at(place, text);
  CHECK(std::ssize(edge.keys) == kPageTokens && place->holders > 0);
  Node* child = put(place, edge, page);
  if (child->holders++ == 0) --idle_;  // what lies above is held already
  update_evictable(child);
  return child;
}

void PrefixTree::add_end(Node* place, const PrefixText& text, std::byte* page) {
  const EdgeView edge = edge_at(place, text);
  CHECK(std::ssize(edge.keys) < kPageTokens && place->holders > 0);
  if (!edge.keys.empty()) put(place, edge, page);
}

bool PrefixTree::evict() {
  if (evictable_.empty()) return false;
  erase(*evictable_.begin());
  return true;
}

}  // namespace aloud
