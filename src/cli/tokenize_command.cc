// aloud tokenize: the tokens of a text, for checking a vocabulary against another program.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/printable.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/model_source.h"
#include "engine/vocabulary.h"

namespace aloud {
namespace {

struct TokenizeOptions {
  std::string model;
  std::string text = "-";
  bool special = false;
  bool lines = false;
  bool json = false;
};

void print_tokens(const TokenizeOptions& options, const Tokenizer& tokenizer, std::string_view text) {
  const std::vector<TokenId> ids =
      options.special ? tokenizer.encode_markup(text) : tokenizer.encode_plain(text);
  if (options.json || options.lines) {
    fmt::print("{{\"ids\": [{}]}}\n", fmt::join(ids, ", "));
    return;
  }
  for (const TokenId id : ids) fmt::print("{:>7}  {}\n", id, printable(tokenizer.bytes(id)));
}

Status print_lines(const TokenizeOptions& options, const Tokenizer& tokenizer, std::string_view text) {
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = nlohmann::json::parse(text.substr(0, end), nullptr, /*allow_exceptions=*/false);
    if (!line.is_string()) return fail("line {}: not a JSON string", number);
    print_tokens(options, tokenizer, line.get_ref<const std::string&>());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Status run(const TokenizeOptions& options) {
  TRY_ASSIGN(const GgufFile file, open_model_file(options.model));
  TRY_ASSIGN(const std::unique_ptr<Tokenizer> tokenizer, load_tokenizer(file));
  std::string text = options.text;
  if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (options.lines) return print_lines(options, *tokenizer, text);
  print_tokens(options, *tokenizer, text);
  return {};
}

}  // namespace

int run_tokenize(int argc, char** argv) {
  TokenizeOptions options;
  CLI::App app(tr("Prints the tokens of a text, without BOS.", "输出文本的词元，不含 BOS。"));
  app.name("aloud tokenize");
  app.set_help_flag("-h,--help", tr("print this help", "显示此帮助"));
  app.add_option("--model", options.model,
                 tr("model file (default: the embedded one)", "模型文件（默认：内置模型）"));
  app.add_option("TEXT", options.text, tr("the text; - is stdin (default)", "文本；- 表示标准输入（默认）"));
  app.add_flag("--special", options.special,
               tr("recognise control tokens and markup in the text", "识别文本中的控制词元和标记"));
  app.add_flag("--lines", options.lines,
               tr("the text is JSON strings, one per line; prints one JSON object for each",
                  "文本为每行一个 JSON 字符串；逐行输出一个 JSON 对象"));
  app.add_flag("--json", options.json, tr("print JSON", "输出 JSON"));
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (const Status status = run(options); !status) return report_error("tokenize", status.error().message);
  return kExitSuccess;
}

}  // namespace aloud
