// Any bytes as a request, in two pieces: the verdict does not depend on the cut, and what is let in is
// decoded.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "http/request_parser.h"
#include "http/target.h"

namespace {

constexpr std::size_t kMaxBody = 1000;

struct Verdict {
  aloud::RequestParser::State state;
  int status;
  std::size_t taken;
  std::string text;  // method, target, body
};

// Feeds until nothing more is taken.
void feed(aloud::RequestParser& parser, std::string_view bytes, Verdict& verdict) {
  while (true) {
    const std::size_t taken = parser.feed(bytes);
    bytes.remove_prefix(taken);
    verdict.taken += taken;
    if (parser.state() != aloud::RequestParser::State::kHeadDone) return;
    parser.accept_body(kMaxBody);
  }
}

Verdict parse(std::string_view bytes, std::size_t cut) {
  const aloud::HttpLimits limits;
  aloud::RequestParser parser(limits);
  Verdict verdict = {};
  feed(parser, bytes.substr(0, cut), verdict);
  feed(parser, bytes.substr(cut), verdict);
  verdict.state = parser.state();
  const bool refused = verdict.state == aloud::RequestParser::State::kRefused;
  if (refused) {
    verdict.status = parser.refusal().status;
    CHECK(verdict.status >= 400 && verdict.status < 600);
    return verdict;
  }
  CHECK(parser.request().body.size() <= kMaxBody);
  verdict.text = parser.request().method + " " + parser.target() + " " + parser.request().body;
  return verdict;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Verdict whole = parse(bytes, bytes.size());
  const Verdict cut = parse(bytes, data[0] * bytes.size() / 255);
  CHECK(whole.state == cut.state && whole.status == cut.status && whole.text == cut.text);
  CHECK(whole.status != 0 || whole.taken == cut.taken);

  const auto target = aloud::parse_target(bytes);
  if (!target) return 0;
  CHECK(!target->segments.empty());
  for (const std::string& segment : target->segments) {
    CHECK(segment != "." && segment != ".." && aloud::is_valid_utf8(segment));
  }
  return 0;
}
