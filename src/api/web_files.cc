// Reads the pack of the page's files.
#include "api/web_files.h"

#include <nlohmann/json.hpp>

#include "base/check.h"

extern "C" {
extern const char aloud_web_pack_begin[];
extern const char aloud_web_pack_end[];
}

namespace aloud {

WebFiles::WebFiles(std::string_view pack) {
  const std::size_t line = pack.find('\n');
  CHECK(line != std::string_view::npos);
  std::string_view rest = pack.substr(line + 1);
  const auto take = [&rest](std::size_t size) {
    CHECK(size <= rest.size());
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  };
  for (const auto& entry : nlohmann::json::parse(pack.substr(0, line))) {
    WebFile file{.type = entry.at("type"), .etag = entry.at("etag"), .immutable = entry.at("immutable")};
    file.plain = take(entry.at("size"));
    file.gzipped = take(entry.at("gzip_size"));
    files_.emplace(entry.at("path"), std::move(file));
  }
}

WebFiles WebFiles::embedded() { return WebFiles(std::string_view(aloud_web_pack_begin, aloud_web_pack_end)); }

const WebFile* WebFiles::find(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

}  // namespace aloud
