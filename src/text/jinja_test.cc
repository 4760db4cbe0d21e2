// Chat templates against what Jinja2 made of them: published templates, and many small cases from an oracle.
#include "text/jinja.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <thread>
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
  EXPECT_GE(rows.size(), 980u);
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

// ---- provenance

Json chat_context() {
  return Json::parse(R"({
    "bos_token": "<s>", "name": "trusted", "secret": {"messages": "trusted too"},
    "messages": [{"role": "<role>", "content": "USER  text", "parts": ["p1", "p2"], "empty": "", "n": 7,
                  "call": {"role": "deep", "name": "f"}}],
    "tools": [{"name": "tool"}], "documents": [{"title": "doc"}]})");
}

// The text with each untrusted part in [brackets].
std::string marked(const std::string& source) {
  const auto rendered = render(source, chat_context());
  if (!rendered) return "error: " + rendered.error().message;
  std::string out;
  std::size_t at = 0;
  for (const TextSpan& span : rendered->untrusted) {
    EXPECT_LT(span.begin, span.end) << source;
    EXPECT_LE(at, span.begin) << source;
    EXPECT_LE(span.end, rendered->text.size()) << source;
    out += rendered->text.substr(at, span.begin - at) + "[" +
           rendered->text.substr(span.begin, span.end - span.begin) + "]";
    at = span.end;
  }
  return out + rendered->text.substr(at);
}

struct Provenance {
  const char* source;
  const char* expected;
};

TEST(Jinja, MarksWhatIsUntrusted) {
  const Provenance cases[] = {
      {"a{{ bos_token }}{{ name }}{{ secret.messages }}", "a<s>trustedtrusted too"},
      {"<|{{ messages[0].role }}|>{{ messages[0].content }}", "<|<role>|>[USER  text]"},
      {"{{ messages[0].call.role }}{{ messages[0].call.name }}", "[deepf]"},
      {"{{ tools[0].name }}|{{ documents[0].title }}", "[tool]|[doc]"},
      {"{% for k in tools[0] %}{{ k }}{% endfor %}", "[name]"},
      {"{{ messages[0].n }}{{ messages[0].n + 1 }}{{ messages[0].empty }}", "78"},
      {"{{ messages[0]['call'].get('name') }}", "[f]"},
      {"{{ messages|map(attribute='content')|first }}", "[USER  text]"},
  };
  for (const Provenance& one : cases) EXPECT_EQ(marked(one.source), one.expected) << one.source;
}

TEST(Jinja, KeepsMarksThroughStringOperations) {
  const std::string set = "{% set c = messages[0].content %}";
  const Provenance cases[] = {
      {"{{ '<u>' + c + '</u>' }}{{ 'a' ~ c ~ 1 }}", "<u>[USER  text]</u>a[USER  text]1"},
      {"{{ ('<|' + c + '|>')[1:5] }}", "|[USE]"},
      {"{{ c[0] }}{{ c[::-1] }}{{ c[1:3] }}", "[Utxet  RESUSE]"},
      {"{{ c.split(' ') | join('-') }}", "[USER]--[text]"},
      {"{{ (' ' + c + ' ').strip() }}|{{ c.lstrip('U') }}", "[USER  text]|[SER  text]"},
      {"{{ (c + '<x>').replace('text', 'T') }}", "[USER  ]T<x>"},
      {"{{ 'a-b'.replace('-', c) }}", "a[USER  text]b"},
      {"{{ ('a' + c).upper() }}|{{ name.upper() }}", "[AUSER  TEXT]|TRUSTED"},
      {"{{ c | trim }}{{ c | lower }}{{ c | title }}", "[USER  textuser  textUser  Text]"},
      {"{{ tools | tojson }}|{{ {'a': 1} | tojson }}", "[[{\"name\": \"tool\"}]]|{\"a\": 1}"},
      {"{{ '<s>%s|%d</s>' % (c, 3) }}{{ '{}<{:>4}'.format(c, 'x') }}",
       "<s>[USER  text]|3</s>[USER  text]<   x"},
      {"{{ messages[0].parts }}{{ [1, 'a'] }}", "[['p1', 'p2']][1, 'a']"},
      {"{{ messages[0].parts | join('<sep>') }}", "[p1]<sep>[p2]"},
      {"{{ ', '.join(messages[0].parts) }}", "[p1], [p2]"},
      {"{{ ('x\n' + c) | indent(2) }}", "x\n  [USER  text]"},
      {"{{ c | replace('USER', '<|im_start|>') }}", "<|im_start|>[  text]"},
      {"{{ c | e }}{{ c | urlencode }}{{ c | reverse }}", "[USER  textUSER%20%20texttxet  RESU]"},
      {"{{ c | center(14) }}{{ c | truncate(4, true, '!', 0) }}", "  [USER  text]  [USE]!"},
      {"{{ c * 2 }}{{ c | list | first }}{{ c.partition('  ')[2] }}", "[USER  textUSER  textUtext]"},
      {"{{ '<|User|>' if 'USER' in c else '' }}", "<|User|>"},
      {"{% set x %}<a>{{ c }}</a>{% endset %}{{ x }}", "<a>[USER  text]</a>"},
      {"{% macro m(t) %}<{{ t }}>{% endmacro %}{{ m(c) }}", "<[USER  text]>"},
      {"{% filter trim %}  <b>{{ c }}  {% endfilter %}", "<b>[USER  text]"},
      {"{% set ns = namespace(s='') %}{% set ns.s = ns.s + '<t>' + c %}{{ ns.s }}", "<t>[USER  text]"},
      {"{{ c.split() }}", "[['USER', 'text']]"},
      {"{{ c if c == 'USER  text' else 'other' }}{{ c | length }}", "[USER  text]10"},
      {"{{ '%c' % 60 }}", "[<]"},
      {"{{ (c ~ '<x>') | wordwrap(6) }}", "[USER]\n[text]<x\n>"},
      {"{{ c.zfill(12) }}{{ c.removeprefix('USER  ') }}{{ c.splitlines()[0] }}",
       "00[USER  texttextUSER  text]"},
      {"{{ [c, '<b>'] | sort | join }}{{ {c: 1} | items | first | first }}", "<b>[USER  textUSER  text]"},
  };
  for (const Provenance& one : cases) EXPECT_EQ(marked(set + one.source), one.expected) << one.source;
}

// ---- limits

// Each of these would run for minutes or take gigabytes.
// Ten times what is promised, as tests run on busy machines; sanitizers take their own time on top.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kBombLimitMs = 15000;
#else
constexpr int kBombLimitMs = 1500;
#endif

TEST(Jinja, EndsBombsQuickly) {
  const char* const bombs[] = {
      "{{ 'a' * 10**9 }}",
      "{{ [0] * 10**9 }}",
      "{{ [[0] * 1000] * 10**7 }}",
      "{{ 10 ** 10 ** 10 }}",
      "{{ 10 ** (10 ** 10) }}",
      "{{ 7 ** 10000000 }}",
      "{{ range(10**9) | list }}",
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      "{% for i in range(100000) %}{% for j in range(100000) %}{{ i ~ j }}{% endfor %}{% endfor %}",
      "{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ "
      "ns.s }}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ "
      "ns.s | tojson }}",
      "{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% set "
      "ns.t = [ns.t, "
      "ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
      "{% set ns = namespace(s=(1, 2)) %}{% for i in range(30) %}{% set ns.s = (ns.s, ns.s) %}{% endfor %}{{ "
      "{ns.s: 1} }}",
      "{% set ns = namespace(s=1) %}{% for i in range(100000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s "
      "}}",
      "{% set ns = namespace(s=1) %}{% for i in range(100000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s | "
      "tojson }}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100000) %}{% set ns.s = ns.s | map('abs') %}{% "
      "endfor %}{{ ns.s | list }}",
      "{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(80) }}",
      "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
      "{{ 'a' | center(10**9) }}",
      "{{ 'a'.ljust(10**18) }}{{ 'a'.zfill(10**18) }}",
      "{{ 'a\nb' | indent(10**9) }}",
      "{{ ('a b ' * 1000000) | wordwrap(1, wrapstring='x' * 1000) }}",
      "{{ '%1000000000d' % 1 }}",
      "{{ '%.1000000000f' % 1.5 }}",
      "{{ '%*d' % (10**12, 1) }}",
      "{{ '{:1000000000}'.format('a') }}",
      "{{ '{:{w}}'.format('a', w=10**15) }}",
      "{{ strftime_now('%1000000000d') }}",
      "{{ [1] | batch(10**12, 0) | list }}{{ [1] | slice(10**12, 0) | list }}",
      "{{ 'a\tb'.expandtabs(10**12) }}",
      "{{ [1] | tojson(indent=10**9) }}",
      "{{ ('a' * 60000000).split('a') }}",
      "{{ ('a' * 60000000) | list | length }}",
      "{{ ('a' * 1000000).replace('a', 'b' * 1000) }}",
      "{{ ('a' * 1000000).replace('', 'b' * 1000) }}",
      "{{ ('<' * 30000000) | e }}",
      "{% set s = 'a' * 30000000 %}{% for i in range(100000) %}{{ s.upper() | length }}{% endfor %}",
      "{% set s = 'a' * 30000000 %}{% for i in range(100000) %}{{ s.find('b') }}{% endfor %}",
      "{% set s = 'a' * 30000000 %}{% for i in range(100000) %}{{ s[100000:200000] | length }}{% endfor %}",
      "{% set s = ('é' * 10000000) %}{% for i in range(100000) %}{{ s[5000000] }}{% endfor %}",
      "{% set s = ('é' * 10000000) %}{{ s | title | wordcount }}",
      "{% for i in range(100000) %}{{ ''.join(['a' * 10000] * 100) }}{% endfor %}",
      "{{ range(100000) | map('string') | map('center', 100000) | list }}",
      "{% set d = dict(x=1) %}{% for i in range(100000) %}{% for j in range(1000) %}{{ d.x }}{% endfor %}{% "
      "endfor %}",
  };
  for (const char* bomb : bombs) {
    const std::clock_t begin = std::clock();  // of this process, as the machine may be busy
    const auto rendered = render(bomb);
    const auto took_ms = (std::clock() - begin) * 1000 / CLOCKS_PER_SEC;
    EXPECT_FALSE(rendered) << bomb;
    if (std::getenv("ALOUD_SHOW_TIMES") != nullptr) std::cerr << took_ms << " ms " << bomb << "\n";
    EXPECT_LT(took_ms, kBombLimitMs) << bomb;
  }
}

TEST(Jinja, SearchesInLinearTime) {
  // Quadratic searches would take minutes; linear ones end, well or with a limit.
  const Json context = {{"a", std::string(1'000'000, 'a')}, {"p", std::string(500'000, 'a') + "b"}};
  for (const char* source :
       {"{{ p in a }}", "{{ a.find(p) }}", "{{ a.rfind('b' + p) }}", "{{ a.split(p) | length }}",
        "{{ a.rsplit(p, 1) | length }}", "{{ a.count(p) }}", "{{ a.replace(p, '') | length }}"}) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(render(source, context)) << source;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2)) << source;
  }
}

TEST(Jinja, RefusesDeepNesting) {
  const auto repeat = [](const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  for (const std::string open : {"{{ (", "{{ [", "{{ {1:", "{{ -", "{{ not ", "{{ a[", "{{ a(", "{{ a|b(",
                                 "{{ 1 if ", "{{ 1 if 1 else "}) {
    const std::string first = open.substr(3);
    EXPECT_FALSE(render("{{ " + repeat(first, 100'000))) << open;
  }
  EXPECT_FALSE(render(repeat("{% if 1 %}", 100'000)));
  EXPECT_FALSE(render(repeat("{% for x in y %}", 100'000)));
  EXPECT_FALSE(render(repeat("{% macro m() %}", 100'000)));
  EXPECT_FALSE(render("{% set " + repeat("(", 100'000)));
  // What is long but not deep may be evaluated or refused, but must not break anything.
  for (const std::string link :
       {".a", "[0]", "|list", " + 1", " ~ 1", " and 1", " is defined", "()", " if 1"}) {
    (void)render("{{ 1" + repeat(link, 100'000) + " }}");
  }
  EXPECT_EQ(render("{{ 1" + repeat(" + 1", 300) + " }}")->text, "301");
  EXPECT_EQ(render("{{ " + repeat("(", 90) + "1" + repeat(")", 90) + " }}")->text, "1");
  Json deep = 1;
  for (int i = 0; i < 5000; ++i) deep = Json::array({std::move(deep)});
  EXPECT_FALSE(render("{{ messages }}", Json{{"messages", deep}}));
}

TEST(Jinja, TellsWhatIsWrongAndWhere) {
  EXPECT_EQ(render("a\n{{ raise_exception('no system role') }}").error().message, "line 2: no system role");
  EXPECT_EQ(render("{{ x.y }}").error().message, "line 1: 'x' is undefined");
  EXPECT_EQ(render("\n\n{% for %}").error().message.substr(0, 7), "line 3:");
  EXPECT_NE(render("{{ 'a' + 1 }}").error().message.find("can only concatenate str"), std::string::npos);
  EXPECT_FALSE(render("x", Json::array()));
}

TEST(Jinja, RendersTheSameTemplateFromManyThreads) {
  const auto parsed =
      JinjaTemplate::parse("{% for m in messages %}{{ 'é' ~ m.content | upper }}{% endfor %}");
  ASSERT_TRUE(parsed);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 200; ++j) {
        const auto rendered = parsed->render(chat_context());
        right += rendered && rendered->text == "éUSER  TEXT" && rendered->untrusted.size() == 1 ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 800);
}

}  // namespace
}  // namespace aloud
