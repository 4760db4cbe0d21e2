// Bytes to one answer, as a client reads it (RFC 9112).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "http/request.h"

namespace aloud {

// For servers that are trusted: whatever is malformed only ends the reading.
class ResponseReader {
 public:
  using TakeBody = std::function<void(std::string_view bytes)>;

  // False: malformed. take_body is called for each piece of the body.
  bool feed(std::string_view bytes, const TakeBody& take_body);
  // The connection has ended.
  void end() { done_ = done_ || (has_head() && part_ == Part::kUntilClose); }

  bool has_head() const { return status_ != 0; }
  bool is_done() const { return done_; }
  int status() const { return status_; }
  const HttpHeaders& headers() const { return headers_; }

 private:
  enum class Part { kHead, kSized, kUntilClose, kChunkSize, kChunk, kChunkEnd, kTrailers };

  bool take_line(std::string_view line);
  bool end_head();

  Part part_ = Part::kHead;
  std::string line_;
  std::uint64_t pending_status_ = 0;
  int status_ = 0;
  HttpHeaders headers_;
  std::uint64_t left_ = 0;  // of the body or chunk
  bool done_ = false;
};

}  // namespace aloud
