// The table of routes: which handler answers a method and a path.
#pragma once

#include <string>
#include <vector>

#include "http/server.h"
#include "http/target.h"

namespace aloud {

class Router {
 public:
  // REQUIRES: patterns as Route describes them, no two routes of the same method and pattern.
  explicit Router(std::vector<Route> routes);
  Router(Router&&) noexcept;
  ~Router();

  struct Match {
    const Route* route = nullptr;         // null: nothing is at this path, or not with this method
    std::vector<std::string> parameters;  // of the route's pattern
    std::string allowed;  // "GET, HEAD, OPTIONS": the methods of this path; empty: no such path
  };
  Match match(const std::string& method, const HttpTarget& target) const;

 private:
  struct Entry;
  std::vector<Route> routes_;
  std::vector<Entry> entries_;  // most specific first; one for each pattern
};

}  // namespace aloud
