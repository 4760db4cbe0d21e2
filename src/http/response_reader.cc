// Lines and counted bytes in turn.
#include "http/response_reader.h"

#include <algorithm>

#include "http/text.h"

namespace aloud {

bool ResponseReader::feed(std::string_view bytes, const TakeBody& take_body) {
  while (!bytes.empty() && !done_) {
    const bool counted = part_ == Part::kSized || part_ == Part::kChunk;
    if (counted || part_ == Part::kUntilClose) {
      const std::size_t size = counted ? std::min<std::uint64_t>(left_, bytes.size()) : bytes.size();
      take_body(bytes.substr(0, size));
      bytes.remove_prefix(size);
      if (!counted) continue;
      left_ -= size;
      if (left_ == 0) {
        done_ = part_ == Part::kSized;
        part_ = Part::kChunkEnd;
      }
      continue;
    }
    const std::size_t newline = bytes.find('\n');
    line_ += bytes.substr(0, newline);
    if (newline == bytes.npos) return true;
    bytes.remove_prefix(newline + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    if (!take_line(line_)) return false;
    line_.clear();
  }
  return true;
}

bool ResponseReader::take_line(std::string_view line) {
  switch (part_) {
    case Part::kHead:
      if (pending_status_ == 0) {
        return line.starts_with("HTTP/1.") && line.size() >= 12 &&
               parse_number(line.substr(9, 3), 10, pending_status_);
      }
      if (line.empty()) return end_head();
      if (const std::size_t colon = line.find(':'); colon != line.npos) {
        headers_.push_back({std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
      }
      return true;
    case Part::kChunkSize:
      if (!parse_number(line.substr(0, line.find(';')), 16, left_)) return false;
      part_ = left_ > 0 ? Part::kChunk : Part::kTrailers;
      return true;
    case Part::kChunkEnd:
      part_ = Part::kChunkSize;
      return line.empty();
    default:
      done_ = line.empty();
      return true;  // trailers
  }
}

bool ResponseReader::end_head() {
  if (pending_status_ < 200) {  // 100 Continue and its like come before the answer
    pending_status_ = 0;
    headers_.clear();
    return true;
  }
  status_ = static_cast<int>(pending_status_);
  if (equal_ignoring_case(find_header(headers_, "transfer-encoding"), "chunked")) {
    part_ = Part::kChunkSize;
    return true;
  }
  const std::string_view length = find_header(headers_, "content-length");
  part_ = length.empty() ? Part::kUntilClose : Part::kSized;
  if (!length.empty() && !parse_number(length, 10, left_)) return false;
  done_ = status_ == 204 || status_ == 304 || (!length.empty() && left_ == 0);
  return true;
}

}  // namespace aloud
