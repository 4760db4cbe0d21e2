// Tests of the parser: what is one request, what is refused, and that the pieces it came in do not matter.
#include "http/request_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace aloud {
namespace {

constexpr std::size_t kMaxBody = 64;

HttpLimits small_limits() {
  HttpLimits limits;
  limits.request_line_bytes = 64;
  limits.head_bytes = 256;
  limits.headers = 6;
  return limits;
}

// What became of the pieces: "400", or method, target, body and what was left, or "more" if nothing yet.
std::string verdict(const std::vector<std::string_view>& pieces) {
  const HttpLimits limits = small_limits();
  RequestParser parser(limits);
  std::string rest;
  for (std::string_view piece : pieces) {
    while (!piece.empty()) {
      const std::size_t taken = parser.feed(piece);
      piece.remove_prefix(taken);
      if (parser.state() == RequestParser::State::kHeadDone) {
        parser.accept_body(kMaxBody);
      } else if (taken == 0) {
        break;
      }
    }
    rest += piece;
  }
  switch (parser.state()) {
    case RequestParser::State::kRefused:
      return std::to_string(parser.refusal().status);
    case RequestParser::State::kDone:
      return fmt::format("{} {} [{}] rest [{}]", parser.request().method, parser.target(),
                         parser.request().body, rest);
    default:
      return "more";
  }
}

struct RequestCase {
  const char* name;
  std::string_view bytes;
  const char* verdict;
};

using namespace std::string_view_literals;

const RequestCase kCases[] = {
    {"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / [] rest []"},
    {"pipelined", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b", "GET / [] rest [GET /b]"},
    {"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / [] rest []"},
    {"HTTP/1.0 without host", "GET / HTTP/1.0\r\n\r\n", "GET / [] rest []"},
    {"sized body", "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcd", "POST /p [abc] rest [d]"},
    {"leading zeros", "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 003\r\n\r\nabc",
     "POST /p [abc] rest []"},
    {"empty body", "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /p [] rest []"},
    {"chunked",
     "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
     "Chunked\r\n\r\n3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\n\r\nG",
     "POST /p [abcde] rest [G]"},
    {"chunk with line ends inside",
     "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0004\r\n\r\n\r\n\r\n0\r\n\r\n",
     "POST /p [\r\n\r\n] rest []"},
    {"trailers are dropped",
     "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\nG",
     "POST /p [] rest [G]"},
    {"white space around a value", "GET / HTTP/1.1\r\nHost: \t a \t\r\nX:\r\n\r\n", "GET / [] rest []"},
    {"bytes above ASCII in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xC3\xA9\r\n\r\n", "GET / [] rest []"},
    {"not complete", "GET / HTTP/1.1\r\nHost: a\r\n\r", "more"},

    {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
     "400"},
    {"the same length twice",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400"},
    {"a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", "400"},
    {"signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", "400"},
    {"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", "400"},
    {"hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", "400"},
    {"no length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc", "400"},
    {"length past 64 bits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\na",
     "400"},
    {"length and chunks",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"chunks and length",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400"},
    {"chunked twice",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     "400"},
    {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"another coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     "501"},
    {"coding identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", "501"},
    {"hidden coding",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\x0b"
     "chunked\r\n\r\n",
     "400"},
    {"space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", "400"},
    {"folded header", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "400"},
    {"folded first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"},
    {"bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400"},
    {"bare LF after a header", "GET / HTTP/1.1\r\nHost: a\n\r\n", "400"},
    {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400"},
    {"bare CR in a header", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "400"},
    {"two CR", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400"},
    {"NUL in a value", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"sv, "400"},
    {"NUL in a name", "GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n"sv, "400"},
    {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv, "400"},
    {"DEL in a value", "GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n", "400"},
    {"header without a colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", "400"},
    {"header without a name", "GET / HTTP/1.1\r\n: a\r\n\r\n", "400"},
    {"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
    {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "400"},
    {"empty host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", "400"},
    {"two words", "GET /\r\nHost: a\r\n\r\n", "400"},
    {"four words", "GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"space before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400"},
    {"method with a bracket", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"long method", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"bytes above ASCII in the target", "GET /\xC3\xA9 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "505"},
    {"HTTP/0.9", "GET /\r\n\r\n", "400"},
    {"lower case version", "GET / http/1.1\r\nHost: a\r\n\r\n", "400"},
    {"version with two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400"},
    {"another expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", "417"},
    {"long request line",
     "GET /0123456789012345678901234567890123456789012345678901234567890 HTTP/1.1\r\nHost: a\r\n\r\n", "414"},
    {"too many headers", "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\n\r\n", "431"},
    {"long body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65\r\n\r\n", "413"},
    {"long chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n", "413"},
    {"long second chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n40\r\n",
     "413"},
    {"huge chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
     "413"},
    {"chunk size past 64 bits",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n",
     "400"},
    {"empty chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n",
     "400"},
    {"chunk size with 0x", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n",
     "400"},
    {"negative chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n",
     "400"},
    {"chunk size and a space",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n", "400"},
    {"bare LF in chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n",
     "400"},
    {"chunk longer than it says",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", "400"},
    {"bare LF after a chunk",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", "400"},
    {"control characters in an extension",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;\x01\r\nabc\r\n0\r\n\r\n", "400"},
    {"malformed trailer",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n", "400"},
};

TEST(RequestParser, JudgesTheTableAtEverySplit) {
  for (const RequestCase& one : kCases) {
    EXPECT_EQ(verdict({one.bytes}), one.verdict) << one.name;
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < one.bytes.size(); ++i) {
      bytes.push_back(one.bytes.substr(i, 1));
      EXPECT_EQ(verdict({one.bytes.substr(0, i), one.bytes.substr(i)}), one.verdict)
          << one.name << " at " << i;
    }
    EXPECT_EQ(verdict(bytes), one.verdict) << one.name << " byte by byte";
  }
}

TEST(RequestParser, LimitsTheHeadOfHeadersAndTrailers) {
  const std::string begin = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
  const std::size_t left = small_limits().head_bytes - begin.size() - 2;  // what trailers may have
  // Name, colon and line end are four bytes, and the empty line at the end two.
  const auto trailer = [](std::size_t size) { return "0\r\nX:" + std::string(size - 6, 'x') + "\r\n\r\nG"; };
  EXPECT_EQ(verdict({begin + "\r\n" + trailer(left)}), "POST / [] rest [G]");
  EXPECT_EQ(verdict({begin + "\r\n" + trailer(left + 1)}), "431");
  EXPECT_EQ(verdict({begin + "X: " + std::string(256, 'x')}), "431");
  EXPECT_EQ(verdict({std::string(65, 'x')}), "414");
  EXPECT_EQ(verdict({std::string(64, 'x')}), "more");
}

TEST(RequestParser, TellsWhetherTheConnectionStays) {
  const auto stays = [](std::string_view bytes) {
    const HttpLimits limits;
    RequestParser parser(limits);
    parser.feed(bytes);
    EXPECT_EQ(parser.state(), RequestParser::State::kHeadDone);
    return parser.keep_alive();
  };
  EXPECT_TRUE(stays("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(stays("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, closed\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestParser, ExpectsToBeToldOnlyForABody) {
  const HttpLimits limits;
  for (const bool body : {false, true}) {
    RequestParser parser(limits);
    parser.feed(fmt::format("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n{}\r\n",
                            body ? "Content-Length: 1\r\n" : ""));
    EXPECT_EQ(parser.expects_continue(), body);
  }
}

}  // namespace
}  // namespace aloud
