// Line by line: each is judged when it is complete, so the pieces in which it came do not matter.
#include "http/request_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/text.h"

namespace aloud {
namespace {

constexpr std::size_t kMaxMethodBytes = 32;
constexpr std::size_t kMaxChunkLineBytes = 1024;  // with extensions

// RFC 9110 5.6.2
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

// One of the comma-separated words of the fields of that name.
bool has_word(const HttpHeaders& headers, std::string_view name, std::string_view word) {
  for (const HttpField& field : headers) {
    if (!equal_ignoring_case(field.name, name)) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (equal_ignoring_case(trim(rest.substr(0, comma)), word)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

std::size_t count(const HttpHeaders& headers, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(), [&](const HttpField& field) {
    return equal_ignoring_case(field.name, name);
  }));
}

}  // namespace

void RequestParser::refuse(int status, std::string message) {
  state_ = State::kRefused;
  refusal_ = {status, std::move(message)};
}

std::size_t RequestParser::feed(std::string_view bytes) {
  const std::size_t size = bytes.size();
  while (!bytes.empty() && (state_ == State::kHead || state_ == State::kBody)) {
    if (state_ == State::kHead) {
      take_head_line(bytes);
    } else {
      take_body(bytes);
    }
  }
  return size - bytes.size();
}

// Moves bytes to line_; true when it is complete, then without its end.
bool RequestParser::take_line(std::string_view& bytes, std::size_t limit, int too_long) {
  const std::size_t newline = bytes.find('\n');
  const std::size_t size = newline == bytes.npos ? bytes.size() : newline + 1;
  if (line_.size() + size > limit) {
    refuse(too_long, fmt::format("a line is longer than the {} bytes that are left for it", limit));
    return false;
  }
  line_ += bytes.substr(0, size);
  bytes.remove_prefix(size);
  if (newline == bytes.npos) return false;
  if (!line_.ends_with("\r\n")) {
    refuse(400, "a line does not end in CR LF");
    return false;
  }
  line_.resize(line_.size() - 2);
  return true;
}

void RequestParser::take_head_line(std::string_view& bytes) {
  const bool first = part_ == Part::kRequestLine;
  const std::size_t limit = first ? std::min(head_left_, limits_.request_line_bytes) : head_left_;
  if (!take_line(bytes, limit, first ? 414 : 431)) return;
  head_left_ -= line_.size() + 2;
  if (first) {
    if (!line_.empty()) parse_request_line();
  } else if (line_.empty()) {
    finish_head();
  } else if (request_.headers.size() == limits_.headers) {
    refuse(431, fmt::format("more than {} headers", limits_.headers));
  } else {
    HttpField field;
    if (parse_field(field)) request_.headers.push_back(std::move(field));
  }
  line_.clear();
}

void RequestParser::parse_request_line() {
  const std::string_view line = line_;
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == line.npos || first == last) return refuse(400, "the request line has not three words");
  const std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const bool printable = !target.empty() && std::all_of(target.begin(), target.end(),
                                                        [](char c) { return c > 0x20 && c < 0x7F; });
  if (!is_token(method) || method.size() > kMaxMethodBytes) return refuse(400, "the method is malformed");
  if (!printable) return refuse(400, "the target has characters that must be encoded");
  if (version == "HTTP/1.1" || version == "HTTP/1.0") {
    minor_version_ = version.back() - '0';
  } else if (version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.') {
    return refuse(505, "the version is not HTTP/1.1 or HTTP/1.0");
  } else {
    return refuse(400, "the version is malformed");
  }
  request_.method = method;
  target_ = target;
  part_ = Part::kFields;
}

bool RequestParser::parse_field(HttpField& field) {
  const std::string_view line = line_;
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (line.starts_with(' ') || line.starts_with('\t')) {
    refuse(400, "a header is folded");
  } else if (colon == line.size() || !is_token(line.substr(0, colon))) {
    refuse(400, "the name of a header is malformed");
  } else if (has_control_characters(value)) {
    refuse(400, "the value of a header has control characters");
  } else {
    field = {std::string(line.substr(0, colon)), std::string(trim(value))};
    return true;
  }
  return false;
}

void RequestParser::finish_head() {
  const HttpHeaders& headers = request_.headers;
  const std::size_t hosts = count(headers, "host");
  if (hosts > 1 || (hosts == 0 && minor_version_ == 1)) {
    return refuse(400, fmt::format("{} Host headers, expected one", hosts));
  }
  if (hosts == 1 && find_header(headers, "host").empty()) return refuse(400, "Host is empty");
  if (!check_framing()) return;
  if (const std::string_view expect = find_header(headers, "expect"); !expect.empty()) {
    if (!equal_ignoring_case(expect, "100-continue")) return refuse(417, "Expect is not 100-continue");
    expects_continue_ = minor_version_ == 1 && has_body();
  }
  keep_alive_ = minor_version_ == 1 && !has_word(headers, "connection", "close");
  state_ = State::kHeadDone;
}

// How long the body is; false: refused.
bool RequestParser::check_framing() {
  const HttpHeaders& headers = request_.headers;
  const std::size_t lengths = count(headers, "content-length"), codings = count(headers, "transfer-encoding");
  if (lengths + codings > 1) {
    refuse(400, "more than one of Content-Length and Transfer-Encoding");
  } else if (codings == 1 && minor_version_ == 0) {
    refuse(400, "Transfer-Encoding in HTTP/1.0");
  } else if (codings == 1 && !equal_ignoring_case(find_header(headers, "transfer-encoding"), "chunked")) {
    refuse(501, "Transfer-Encoding is not chunked");
  } else if (lengths == 1 && !parse_number(find_header(headers, "content-length"), 10, length_)) {
    refuse(400, "Content-Length is not a number of bytes");
  } else {
    chunked_ = codings == 1;
    return true;
  }
  return false;
}

void RequestParser::accept_body(std::size_t max_bytes) {
  CHECK(state_ == State::kHeadDone);
  max_body_ = max_bytes;
  if (length_ > max_bytes) {
    refuse(413, fmt::format("the body has {} bytes, at most {} are taken here", length_, max_bytes));
  } else if (chunked_) {
    state_ = State::kBody;
    part_ = Part::kChunkSize;
  } else {
    state_ = length_ > 0 ? State::kBody : State::kDone;
    part_ = Part::kSized;
  }
}

void RequestParser::take_body(std::string_view& bytes) {
  switch (part_) {
    case Part::kSized:
      take_bytes(bytes);
      if (length_ == 0) state_ = State::kDone;
      return;
    case Part::kChunk:
      take_bytes(bytes);
      if (length_ == 0) part_ = Part::kChunkEnd;
      return;
    case Part::kChunkSize:
      if (!take_line(bytes, kMaxChunkLineBytes, 400)) return;
      parse_chunk_size();
      break;
    case Part::kChunkEnd:
      if (!take_line(bytes, 2, 400)) return;
      part_ = Part::kChunkSize;
      break;
    case Part::kTrailers:
      if (!take_line(bytes, head_left_, 431)) return;
      head_left_ -= line_.size() + 2;
      if (line_.empty()) {
        state_ = State::kDone;
      } else if (HttpField dropped; !parse_field(dropped)) {
        return;
      }
      break;
    case Part::kRequestLine:
    case Part::kFields:
      CHECK(false);
  }
  line_.clear();
}

void RequestParser::take_bytes(std::string_view& bytes) {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(length_, bytes.size()));
  request_.body += bytes.substr(0, size);
  bytes.remove_prefix(size);
  length_ -= size;
}

void RequestParser::parse_chunk_size() {
  const std::string_view line = line_;
  const std::string_view digits = line.substr(0, line.find(';'));
  if (!parse_number(digits, 16, length_)) return refuse(400, "the size of a chunk is malformed");
  if (has_control_characters(line)) return refuse(400, "a chunk extension has control characters");
  if (length_ > max_body_ - request_.body.size()) {
    return refuse(413, fmt::format("the body has more than the {} bytes that are taken here", max_body_));
  }
  part_ = length_ > 0 ? Part::kChunk : Part::kTrailers;
}

}  // namespace aloud
