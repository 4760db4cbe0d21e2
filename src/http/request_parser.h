// Bytes to one request, strictly: what two programs could read differently is refused (RFC 9112).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/limits.h"
#include "http/request.h"

namespace aloud {

// Our own, since the verdict must not depend on how the bytes were split, and since parsers at hand (Beast's)
// join folded lines, ignore transfer codings that they do not know and mix trailers with headers. Refused
// are: a line that does not end in CR LF, folded lines, white space before a colon, control characters,
// several or malformed Content-Length, Content-Length together with Transfer-Encoding, codings other than
// "chunked", no Host or several. Chunk extensions and trailers are checked and dropped. Empty lines before a
// request are skipped.
class RequestParser {
 public:
  enum class State {
    kHead,      // more bytes wanted
    kHeadDone,  // accept_body() is next
    kBody,      // more bytes wanted
    kDone,
    kRefused,
  };

  // Keeps the reference.
  explicit RequestParser(const HttpLimits& limits) : limits_(limits), head_left_(limits.head_bytes) {}

  // Takes bytes from the front and returns how many; it stops after the head, and at the end of the request.
  std::size_t feed(std::string_view bytes);
  State state() const { return state_; }
  // Something of the request has come.
  bool begun() const { return state_ != State::kHead || part_ != Part::kRequestLine || !line_.empty(); }
  // REQUIRES: kRefused. The answer must be the last on its connection.
  const HttpRefusal& refusal() const { return refusal_; }

  // From kHeadDone on. Of the request there are method and headers, then also the body.
  HttpRequest& request() { return request_; }
  const std::string& target() const { return target_; }
  bool has_body() const { return chunked_ || length_ > 0; }
  bool expects_continue() const { return expects_continue_; }  // "100 Continue", before it sends the body
  bool is_http_1_0() const { return minor_version_ == 0; }
  bool keep_alive() const { return keep_alive_; }  // the client allows another request after this one

  // REQUIRES: kHeadDone. A larger body is refused.
  void accept_body(std::size_t max_bytes);

 private:
  enum class Part { kRequestLine, kFields, kSized, kChunkSize, kChunk, kChunkEnd, kTrailers };

  void refuse(int status, std::string message);
  bool take_line(std::string_view& bytes, std::size_t limit, int too_long);
  void take_head_line(std::string_view& bytes);
  void take_body(std::string_view& bytes);
  void take_bytes(std::string_view& bytes);
  void parse_request_line();
  bool parse_field(HttpField& field);
  void finish_head();
  bool check_framing();
  void parse_chunk_size();

  const HttpLimits& limits_;
  State state_ = State::kHead;
  Part part_ = Part::kRequestLine;
  std::string line_;       // the one that is being received
  std::size_t head_left_;  // bytes that request line, headers and trailers may still have
  HttpRefusal refusal_ = {};

  HttpRequest request_;
  std::string target_;
  int minor_version_ = 1;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  bool chunked_ = false;
  std::uint64_t length_ = 0;  // of the body or chunk: what is still to come
  std::size_t max_body_ = 0;
};

}  // namespace aloud
