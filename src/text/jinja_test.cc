// Chat templates against what Jinja2 made of them: published templates, and many small cases from an oracle.
#include "text/jinja.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace aloud {
namespace {

using Json = nlohmann::ordered_json;

// 2025-01-20 08:30, the time at which the references were made.
constexpr std::int64_t kReferenceNow = 1737361800;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<Json> read_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(Json::parse(line));
  return rows;
}

Result<RenderedTemplate> render(const std::string& source, const Json& context = Json::object()) {
  JinjaOptions options;
  options.now_seconds = kReferenceNow;
  auto parsed = JinjaTemplate::parse(source);
  if (!parsed) return tl::unexpected(parsed.error());
  return parsed->render(context, options);
}

TEST(Jinja, RendersPublishedTemplatesExactly) {
  const std::filesystem::path folder = std::filesystem::path(ALOUD_TEST_DATA) / "templates";
  int rows = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".jinja") continue;
    const std::string source = read_file(entry.path());
    for (const Json& row : read_lines(std::filesystem::path(entry.path()).replace_extension(".jsonl"))) {
      const auto rendered = render(source, row["context"]);
      const std::string name = entry.path().filename().string() + " " + row["case"].get<std::string>();
      ++rows;
      if (row.contains("error")) {
        EXPECT_FALSE(rendered) << name;
        continue;
      }
      ASSERT_TRUE(rendered) << name << ": " << rendered.error().message;
      EXPECT_EQ(rendered->text, row["rendered"].get<std::string>()) << name;
    }
  }
  EXPECT_GE(rows, 80);
}

// Each row: a template, a context, and what Jinja2 printed or that it raised an error
// (tools/jinja_oracle.py).
TEST(Jinja, AgreesWithTheOracle) {
  const std::vector<Json> rows = read_lines(std::filesystem::path(ALOUD_TEST_DATA) / "jinja" / "cases.jsonl");
  EXPECT_GE(rows.size(), 600u);
  for (const Json& row : rows) {
    const std::string source = row["template"];
    const auto rendered = render(source, row["context"]);
    if (row.contains("error")) {
      EXPECT_FALSE(rendered) << source << "\nprinted: " << rendered->text << "\noracle: " << row["error"];
    } else if (!rendered) {
      ADD_FAILURE() << source << "\nfailed: " << rendered.error().message << "\noracle: " << row["rendered"];
    } else {
      EXPECT_EQ(rendered->text, row["rendered"].get<std::string>()) << source;
    }
  }
}

}  // namespace
}  // namespace aloud
