// The files of the page in the browser, as they lie in the program.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace aloud {

struct WebFile {
  std::string type;        // Content-Type
  std::string etag;        // weak: for the plain bytes and the gzipped ones alike
  bool immutable = false;  // another content would have another path
  std::string_view plain;
  std::string_view gzipped;  // empty: would not be smaller
};

// Immutable; any thread.
class WebFiles {
 public:
  // REQUIRES: a pack that web/pack.mjs wrote; it must outlive this.
  explicit WebFiles(std::string_view pack);
  // Of the page that was built into the program; empty if it was built without.
  static WebFiles embedded();

  // The file at a request's path ("/" is the page itself); null if there is none.
  const WebFile* find(std::string_view path) const;
  const std::map<std::string, WebFile, std::less<>>& all() const { return files_; }

 private:
  std::map<std::string, WebFile, std::less<>> files_;
};

}  // namespace aloud
