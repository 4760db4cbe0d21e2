// GET / and what it names: the page in the browser.
#include "api/web_page.h"

#include <fmt/format.h>

#include "api/routes.h"
#include "api/services.h"
#include "http/text.h"

namespace aloud {
namespace {

// The page loads nothing from elsewhere and runs no script that is not a file of ours. Formulas are placed by
// style attributes. Text becomes HTML only through the policies named here; web/src/lib/trusted_types.ts says
// whose they are.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types svelte-trusted-html worker default dompurify";

// Whether one of the entries of a list (a, b;q=0, c) satisfies the predicate.
template <typename Predicate>
bool any_entry(std::string_view list, Predicate predicate) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (predicate(trim(list.substr(0, end)))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool takes_gzip(std::string_view accept_encoding) {
  return any_entry(accept_encoding, [](std::string_view entry) {
    const std::size_t semicolon = std::min(entry.find(';'), entry.size());
    const std::string_view weight = trim(entry.substr(std::min(semicolon + 1, entry.size())));
    const bool refused = weight.starts_with("q=0") && weight.find_first_not_of("0.", 2) == weight.npos;
    return equal_ignoring_case(trim(entry.substr(0, semicolon)), "gzip") && !refused;
  });
}

bool has_already(std::string_view if_none_match, std::string_view etag) {
  return any_entry(if_none_match, [&](std::string_view entry) { return entry == etag || entry == "*"; });
}

}  // namespace

PageAnswer page_answer(const WebFile& file, const HttpRequest& request) {
  PageAnswer answer;
  answer.headers = {
      {"ETag", file.etag},
      {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Vary", "Accept-Encoding"},
      {"Content-Security-Policy", std::string(kPolicy)},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
  };
  if (has_already(request.header("if-none-match"), file.etag)) {
    answer.status = 304;
    return answer;
  }
  answer.headers.push_back({"Content-Type", file.type});
  answer.body = file.plain;
  if (!file.gzipped.empty() && takes_gzip(request.header("accept-encoding"))) {
    answer.headers.push_back({"Content-Encoding", "gzip"});
    answer.body = file.gzipped;
  }
  return answer;
}

void answer_web_page(const ApiCall& call) {
  const std::string& path = call.request->path;
  const WebFile* file = call.services.web_files.find(path);
  if (file == nullptr) {
    RequestError error{
        RequestErrorKind::kNotFound, fmt::format("the page has no file {:?}", path), {}, {}, 0};
    if (path == "/") error.message = "this program was built without the page (ALOUD_WEB)";
    return call.send(error);
  }
  const PageAnswer answer = page_answer(*file, *call.request);
  call.reply->send(answer.status, answer.headers, answer.body);
}

}  // namespace aloud
