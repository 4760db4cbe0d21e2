// aloud inspect: what a model file says about itself, and what it holds.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "base/utf8.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/model_source.h"
#include "weights/gguf.h"

namespace aloud {
namespace {

using nlohmann::ordered_json;

// What is longer is cut: for people and, arrays only, in JSON.
constexpr std::size_t kShownTextBytes = 100;
constexpr std::size_t kShownItems = 8;
constexpr std::size_t kJsonItems = 64;

struct InspectOptions {
  std::string file;
  bool tensors = false;
  bool json = false;
};

// All tensors of one type.
struct TypeShare {
  DType type;
  std::int64_t tensors = 0;
  std::int64_t values = 0;
  std::uint64_t bytes = 0;
};

// The most bytes first.
std::vector<TypeShare> type_shares(const GgufFile& file) {
  std::vector<TypeShare> shares;
  for (const Tensor& tensor : file.tensors()) {
    auto share =
        std::find_if(shares.begin(), shares.end(), [&](const auto& s) { return s.type == tensor.type; });
    if (share == shares.end()) share = shares.insert(share, {tensor.type});
    share->tensors += 1;
    share->values += tensor.values();
    share->bytes += tensor.bytes.size();
  }
  std::stable_sort(shares.begin(), shares.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  return shares;
}

std::int64_t parameter_count(const GgufFile& file) {
  std::int64_t count = 0;
  for (const Tensor& tensor : file.tensors()) count += tensor.values();
  return count;
}

// 1530000 -> "1.53 M"; units are those of powers of 1000.
std::string short_number(double value, std::string_view unit) {
  constexpr std::string_view kPrefixes[] = {"", "k", "M", "G", "T"};
  std::size_t prefix = 0;
  while (value >= 999.5 && prefix + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++prefix;
  }
  const int decimals = prefix == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const std::string suffix = fmt::format("{}{}", kPrefixes[prefix], unit);
  return fmt::format("{:.{}f}{}{}", value, decimals, suffix.empty() ? "" : " ", suffix);
}

std::string short_text(std::string_view text) {
  if (text.size() <= kShownTextBytes) return printable(text);
  std::string_view cut = text.substr(0, kShownTextBytes);
  cut.remove_suffix(incomplete_utf8_suffix(cut));
  return fmt::format("{}... ({} {})", printable(cut), text.size(), tr("bytes", "字节"));
}

std::string item_text(const MetadataArray& array, std::size_t i) {
  if (array.is_string()) return fmt::format("\"{}\"", short_text(array.string(i)));
  if (array.element == MetadataType::kBool) return array.integer(i) != 0 ? "true" : "false";
  if (array.element == MetadataType::kUint64) return std::to_string(array.unsigned_integer(i));
  if (array.element == MetadataType::kFloat32) return fmt::format("{}", static_cast<float>(array.real(i)));
  return array.is_integer() ? std::to_string(array.integer(i)) : fmt::format("{}", array.real(i));
}

std::string array_text(const MetadataArray& array) {
  std::string text = "[";
  for (std::size_t i = 0; i < std::min(array.size, kShownItems); ++i) {
    text += (i > 0 ? ", " : "") + item_text(array, i);
  }
  if (array.size > kShownItems) text += ", ...";
  return text + "]";
}

// Each kind of value, for people.
struct ValueText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::string_view value) const { return short_text(value); }
  std::string operator()(const MetadataArray& value) const { return array_text(value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(auto integer) const { return std::to_string(integer); }
};

std::string value_text(const MetadataEntry& entry) {
  // As a float, 1e-6 reads 1e-06; as the double it was widened to, 9.999999974752427e-07.
  if (entry.type == MetadataType::kFloat32) {
    return fmt::format("{}", static_cast<float>(std::get<double>(entry.value)));
  }
  return std::visit(ValueText{}, entry.value);
}

std::string type_text(const MetadataEntry& entry) {
  const auto* array = std::get_if<MetadataArray>(&entry.value);
  if (array == nullptr) return std::string(name(entry.type));
  return fmt::format("{}[{}]", name(array->element), array->size);
}

ordered_json item_json(const MetadataArray& array, std::size_t i) {
  if (array.is_string()) return replace_malformed_utf8(array.string(i));
  if (array.element == MetadataType::kBool) return array.integer(i) != 0;
  if (array.element == MetadataType::kUint64) return array.unsigned_integer(i);
  return array.is_integer() ? ordered_json(array.integer(i)) : ordered_json(array.real(i));
}

// Each kind of value as JSON; a long array is told by its size and its first items.
struct ValueJson {
  ordered_json operator()(std::string_view value) const { return replace_malformed_utf8(value); }
  ordered_json operator()(const MetadataArray& array) const {
    ordered_json items = ordered_json::array();
    const bool whole = array.size <= kJsonItems;
    for (std::size_t i = 0; i < (whole ? array.size : kShownItems); ++i) items.push_back(item_json(array, i));
    if (whole) return items;
    return {{"element", name(array.element)}, {"size", array.size}, {"first", items}};
  }
  ordered_json operator()(auto plain) const { return plain; }
};

ordered_json tensor_json(const GgufFile& file, const Tensor& tensor) {
  return {{"name", replace_malformed_utf8(tensor.name)},
          {"type", info(tensor.type).name},
          {"shape", std::vector(tensor.shape.begin(), tensor.shape.begin() + tensor.dimensions)},
          {"offset", file.offset(tensor)},
          {"bytes", tensor.bytes.size()}};
}

// Escaped beyond ASCII, so that nothing in a name can steer a terminal.
std::string json_text(const ordered_json& json) { return json.dump(-1, ' ', true); }

void print_json(const GgufFile& file) {
  ordered_json::object_t metadata;  // filled at its end: look-up by key would take the square of their number
  for (const MetadataEntry& entry : file.metadata().entries()) {
    metadata.emplace_back(replace_malformed_utf8(entry.key), std::visit(ValueJson{}, entry.value));
  }
  ordered_json types = ordered_json::object();
  for (const TypeShare& share : type_shares(file)) {
    types[std::string(info(share.type).name)] = {
        {"tensors", share.tensors}, {"values", share.values}, {"bytes", share.bytes}};
  }
  const ordered_json json = {
      {"file", replace_malformed_utf8(file.name())},
      {"version", file.version()},
      {"parts", file.parts().size()},
      {"bytes", file.bytes()},
      {"architecture",
       replace_malformed_utf8(file.metadata().string("general.architecture").value_or(std::string_view()))},
      {"parameters", parameter_count(file)},
      {"types", types},
      {"metadata", std::move(metadata)},
  };
  // The tensors, which may be many, are added one by one where the object would end.
  std::string text = json_text(json);
  text.pop_back();
  fmt::print("{},\"tensors\":[", text);
  for (std::size_t i = 0; i < file.tensors().size(); ++i) {
    fmt::print("{}{}", i > 0 ? "," : "", json_text(tensor_json(file, file.tensors()[i])));
  }
  fmt::print("]}}\n");
}

void print_line(const char* label, std::string_view value) { fmt::print("  {:<16}{}\n", label, value); }

void print_summary(const GgufFile& file) {
  const Metadata& metadata = file.metadata();
  const std::string_view architecture = metadata.string("general.architecture").value_or("");
  fmt::print("{}\n", printable(file.name()));
  print_line(tr("architecture", "架构"), architecture.empty() ? "-" : short_text(architecture));
  if (const auto name = metadata.string("general.name")) print_line(tr("name", "名称"), short_text(*name));
  print_line(tr("parameters", "参数量"), short_number(static_cast<double>(parameter_count(file)), ""));
  std::string size =
      fmt::format("{}, GGUF {}", short_number(static_cast<double>(file.bytes()), "B"), file.version());
  if (file.parts().size() > 1) size += fmt::format(", {} {}", file.parts().size(), tr("parts", "个分卷"));
  print_line(tr("size", "大小"), size);
  if (const auto context = metadata.integer(fmt::format("{}.context_length", architecture))) {
    print_line(tr("context", "上下文"), fmt::format("{} {}", *context, tr("tokens", "词元")));
  }
  if (const auto tokenizer = metadata.string("tokenizer.ggml.model")) {
    std::string text = short_text(*tokenizer);
    if (const auto pre = metadata.string("tokenizer.ggml.pre"))
      text += fmt::format(" ({})", short_text(*pre));
    if (const auto* tokens = metadata.array("tokenizer.ggml.tokens")) {
      text += fmt::format(", {} {}", tokens->size, tr("tokens", "词元"));
    }
    print_line(tr("tokenizer", "分词器"), text);
  } else {
    print_line(tr("tokenizer", "分词器"), tr("none", "无"));
  }
  const auto chat = metadata.string("tokenizer.chat_template");
  print_line(tr("chat template", "对话模板"),
             chat ? fmt::format("{} {}", chat->size(), tr("bytes", "字节")) : std::string(tr("none", "无")));
}

void print_types(const GgufFile& file) {
  if (file.tensors().empty()) return;
  std::uint64_t all_bytes = 0;
  for (const TypeShare& share : type_shares(file)) all_bytes += share.bytes;
  fmt::print("\n  {:<10}{:>9}{:>11}{:>11}{:>9}{:>14}\n", tr("type", "类型"), tr("tensors", "张量"),
             tr("values", "数值"), tr("bytes", "字节"), tr("share", "占比"), tr("bits/value", "位/数值"));
  for (const TypeShare& share : type_shares(file)) {
    fmt::print("  {:<10}{:>9}{:>11}{:>11}{:>8.1f}%{:>14.2f}\n", info(share.type).name, share.tensors,
               short_number(static_cast<double>(share.values), ""),
               short_number(static_cast<double>(share.bytes), "B"),
               100 * static_cast<double>(share.bytes) / static_cast<double>(all_bytes),
               8 * static_cast<double>(share.bytes) / static_cast<double>(share.values));
  }
}

void print_metadata(const GgufFile& file) {
  if (file.metadata().entries().empty()) return;
  std::size_t key_width = 0;
  std::size_t type_width = 0;
  for (const MetadataEntry& entry : file.metadata().entries()) {
    key_width = std::max(key_width, std::min(short_text(entry.key).size(), kShownTextBytes / 2));
    type_width = std::max(type_width, type_text(entry).size());
  }
  fmt::print("\n  {}\n", tr("metadata", "元数据"));
  for (const MetadataEntry& entry : file.metadata().entries()) {
    fmt::print("  {:<{}}  {:<{}}  {}\n", short_text(entry.key), key_width, type_text(entry), type_width,
               value_text(entry));
  }
}

void print_tensors(const GgufFile& file) {
  std::size_t name_width = 0;
  std::size_t shape_width = 0;
  for (const Tensor& tensor : file.tensors()) {
    name_width = std::max(name_width, std::min(short_text(tensor.name).size(), kShownTextBytes / 2));
    shape_width = std::max(shape_width, shape_text(tensor).size());
  }
  fmt::print("\n  {}\n", tr("tensors (type, shape with the row length first, offset, size)",
                            "张量（类型、形状（首项为行长）、偏移、大小）"));
  for (const Tensor& tensor : file.tensors()) {
    fmt::print("  {:<{}}  {:<8}  {:<{}}  {:>13}  {:>9}\n", short_text(tensor.name), name_width,
               info(tensor.type).name, shape_text(tensor), shape_width, file.offset(tensor),
               short_number(static_cast<double>(tensor.bytes.size()), "B"));
  }
}

Status run(const InspectOptions& options) {
  TRY_ASSIGN(const GgufFile file, open_model_file(options.file));
  if (options.json) {
    print_json(file);
    return {};
  }
  print_summary(file);
  print_types(file);
  print_metadata(file);
  if (options.tensors) {
    print_tensors(file);
  } else if (!file.tensors().empty()) {
    fmt::print("\n  {}\n",
               fmt::format(fmt::runtime(tr("--tensors lists the {} tensors", "--tensors 列出 {} 个张量")),
                           file.tensors().size()));
  }
  return {};
}

}  // namespace

int run_inspect(int argc, char** argv) {
  InspectOptions options;
  CLI::App app(tr("Shows the metadata and tensors of a model file.", "显示模型文件的元数据与张量。"));
  app.name("aloud inspect");
  auto* file = app.add_option("FILE", options.file,
                              tr("GGUF file, or any part of a split one (default: the embedded model)",
                                 "GGUF 文件，或分卷文件的任一部分（默认：内置模型）"));
  app.add_option("--model", options.file, tr("the same", "同上"))->excludes(file);
  app.add_flag("--tensors", options.tensors, tr("list the tensors", "列出张量"));
  app.add_flag("--json", options.json, tr("print JSON", "输出 JSON"));
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (const Status status = run(options); !status) return report_error("inspect", status.error().message);
  return kExitSuccess;
}

}  // namespace aloud
