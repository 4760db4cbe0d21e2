// Finds pages of keys and values again by the tokens that they hold, so that what begins alike is computed
// once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/kv_cache.h"
#include "text/tokenizer.h"

namespace aloud {

// What a sequence is found by. A key stands for a token: equal keys, and equal ones before them, mean the
// same bits of keys and values.
struct PrefixText {
  std::span<const TokenId> keys;
  std::string_view owner;          // others do not find it,
  std::int64_t public_tokens = 0;  // but for the whole pages of so many tokens at the beginning
};

// A radix tree whose edges are pages: a node is a page of kPageTokens tokens, or a leaf that shows the
// beginning of a page that is not full. Who may find a page is part of its edge. A page counts one reference
// for its node. What no sequence holds is idle and given back, the longest unused first, when pages are
// needed. One thread at a time; the pool must outlive it.
class PrefixTree {
 public:
  class Node;

  explicit PrefixTree(KvPool& pool);
  ~PrefixTree();

  // A place is where a sequence's whole pages end. Held places, and all before them, are not evicted.
  Node* root() { return root_.get(); }
  void hold(Node* place);
  void release(Node* place);

  struct Found {
    Node* place = nullptr;          // after the whole pages
    std::vector<std::byte*> pages;  // whole ones
    Node* next = nullptr;           // a page that goes on with the same tokens for a while, if there is one,
    std::int64_t next_tokens = 0;   // and for how long: less than a page
  };
  // The longest beginning that is here. Nothing is held.
  Found find(const PrefixText& text);
  static std::byte* page(const Node* node);

  // Puts in the whole page that follows a held place and holds that instead. Returns the new place: its page
  // is another where the same tokens were here already.
  Node* extend(Node* place, const PrefixText& text, std::byte* page);
  // Puts in the beginning of a page that follows a held place; text ends with it.
  void add_end(Node* place, const PrefixText& text, std::byte* page);

  std::int64_t idle_pages() const { return idle_; }
  std::int64_t nodes() const { return nodes_; }
  bool evict();  // gives back the page that was longest unused; false: none is idle

 private:
  struct Edge;      // who may take it and the keys of its page
  struct EdgeView;  // the same, borrowed
  struct EdgeOrder;
  struct LastUse {
    bool operator()(const Node* a, const Node* b) const;
  };
  struct Closest {
    Node* node = nullptr;
    std::int64_t common = 0;
  };

  static EdgeView edge_at(const Node* place, const PrefixText& text);
  static Closest closest(const Node* place, const EdgeView& edge);
  Node* put(Node* place, const EdgeView& edge, std::byte* page);
  void erase(Node* leaf);
  void update_evictable(Node* node);

  KvPool& pool_;
  std::unique_ptr<Node> root_;
  std::set<Node*, LastUse> evictable_;  // leaves that nobody holds
  std::int64_t idle_ = 0;               // nodes that nobody holds
  std::int64_t nodes_ = 0;
  std::uint64_t now_ = 0;  // counts uses
};

}  // namespace aloud
