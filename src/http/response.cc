// The grammar of answers.
#include "http/response.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "base/check.h"

namespace aloud {
namespace {

void append_clean(std::string_view text, std::string& out) {
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
}

void append_fields(const HttpHeaders& headers, std::string& out) {
  for (const HttpField& field : headers) {
    append_clean(field.name, out);
    out += ": ";
    append_clean(field.value, out);
    out += "\r\n";
  }
}

}  // namespace

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string response_head(int status, const HttpHeaders& headers, const HttpHeaders& more,
                          BodyFraming framing, bool keep_alive) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  append_fields(headers, out);
  append_fields(more, out);
  out += fmt::format("date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(std::time(nullptr)));
  if (framing.kind == BodyFraming::Kind::kLength) out += fmt::format("content-length: {}\r\n", framing.bytes);
  if (framing.kind == BodyFraming::Kind::kChunked) out += "transfer-encoding: chunked\r\n";
  if (!keep_alive) out += "connection: close\r\n";
  out += "\r\n";
  return out;
}

std::string chunk(std::string_view bytes) {
  CHECK(!bytes.empty());
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    case 529:
      return "Overloaded";
  }
  return "";
}

}  // namespace aloud
