// Tests of the framing of server-sent events, read back by the rules of the standard.
#include "http/event_stream.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace aloud {
namespace {

struct Received {
  std::string event, id, data;
  bool operator==(const Received&) const = default;
};

// WHATWG HTML 9.2.6, for streams whose lines end in \n.
std::vector<Received> receive(std::string_view stream) {
  std::vector<Received> out;
  std::string event, id, data;
  bool has_data = false;
  while (!stream.empty()) {
    const std::size_t end = stream.find('\n');
    EXPECT_NE(end, stream.npos) << "a line does not end";
    std::string_view line = stream.substr(0, end);
    stream.remove_prefix(end + 1);
    if (line.empty()) {
      if (has_data) out.push_back({event, id, data});
      event.clear(), data.clear(), has_data = false;
      continue;
    }
    const std::size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (line.substr(0, colon) == "event") event = value;
    if (line.substr(0, colon) == "id") id = value;
    if (line.substr(0, colon) == "data") {
      if (has_data) data += '\n';
      data += value;
      has_data = true;
    }
  }
  return out;
}

TEST(EventStream, FramesAnyText) {
  EXPECT_EQ(frame_event({.data = "{}"}), "data: {}\n\n");
  EXPECT_EQ(frame_event({.data = "", .event = "e", .id = "7"}), "event: e\nid: 7\ndata: \n\n");
  EXPECT_EQ(frame_comment("wait\nmore"), ": wait\n: more\n\n");
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"a\nb", "a\nb"},
      {"a\r\nb", "a\nb"},
      {"a\rb", "a\nb"},
      {"\n", "\n"},
      {"", ""},
      {"\r\r\n", "\n\n"},
      {"data: x\n\ndata: y", "data: x\n\ndata: y"},
      {" a", " a"},
      {": a", ": a"},
  };
  for (const auto& [sent, received] : texts) {
    EXPECT_EQ(receive(frame_event({.data = sent})), (std::vector<Received>{{"", "", received}})) << sent;
  }
}

TEST(EventStream, NoTextBreaksOut) {
  std::mt19937 random(1);
  const std::string_view letters = "\r\n: daetivn";
  std::string stream;
  std::vector<Received> sent;
  for (int i = 0; i < 2000; ++i) {
    std::string text[3];
    for (std::string& part : text) {
      for (std::size_t size = random() % 12; size > 0; --size) part += letters[random() % letters.size()];
    }
    stream += random() % 2 ? frame_comment(text[0]) : "";
    stream += frame_event({.data = text[0], .event = text[1], .id = text[2]});
  }
  EXPECT_EQ(receive(stream).size(), 2000u);
}

}  // namespace
}  // namespace aloud
