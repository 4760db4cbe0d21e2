// Tests of grammars as their authors write them: GBNF and regular expressions; hostile ones are refused.
#include "engine/grammar.h"

#include <string>
#include <string_view>
#include <vector>

#include "engine/grammar_testing.h"

namespace aloud {
namespace {

struct Texts {
  const char* grammar;
  std::vector<std::string_view> good;
  std::vector<std::string_view> bad;
};

TEST(Regex, MatchesFromEndToEnd) {
  const Texts kPatterns[] = {
      {"", {""}, {"a"}},
      {"abc", {"abc"}, {"", "ab", "abcd"}},
      {"a|bc|", {"a", "bc", ""}, {"b", "abc"}},
      {"(a|b)*c+d?", {"c", "abbacccd", "cd"}, {"", "abd", "cdd"}},
      {"a{2}b{1,2}c{2,}", {"aabcc", "aabbcccc"}, {"abcc", "aabbbcc", "aabc"}},
      {"a*?b+?", {"b", "aab"}, {"a"}},
      {"[a-c]x[^a-c]", {"axd", "bx你"}, {"dxd", "axa"}},
      {"[\\d_-]+", {"1_-2"}, {"a"}},
      {"[]-a]", {}, {"a", "]"}},
      {"\\w\\s\\W", {"a !"}, {"a b"}},
      {".", {"a", "你", "😀", "\r"[0] == '\r' ? "x" : ""}, {"\n", "\r", "ab", "\xFF"}},
      {"你|[あ-ん]", {"你", "い"}, {"a", "\xE4\xBD"}},
      {"\\u4f60\\u{1F600}\\uD83D\\uDE00\\x41\\t\\cA\\0", {std::string_view("你😀😀A\t\x01\0", 15)}, {}},
      {"^a$|^b", {"a", "b"}, {"ab"}},
      {"a^b", {}, {"ab", "a"}},
      {"(?:a)(?<name>b)", {"ab"}, {"a"}},
      {"a{,2}|{|b{x", {"a{,2}", "{", "b{x"}, {"aa"}},
      {"\\p{L}+\\P{L}", {"né1"}, {"né"}},
      {"\\.\\*\\[\\]\\/\\-", {".*[]/-"}, {}},
  };
  for (const Texts& texts : kPatterns) {
    const auto grammar = Grammar::from_regex(texts.grammar);
    if (!grammar && texts.good.empty()) continue;
    ASSERT_TRUE(grammar) << texts.grammar << ": " << grammar.error().message;
    for (const std::string_view text : texts.good)
      EXPECT_TRUE(matches(grammar, text)) << texts.grammar << " " << text;
    for (const std::string_view text : texts.bad)
      EXPECT_FALSE(matches(grammar, text)) << texts.grammar << " " << text;
  }
}

TEST(Regex, RefusesWhatItCannotDoAndSaysWhy) {
  const std::pair<std::string, const char*> kPatterns[] = {
      {"(", "\"(\" without"},        {")", "\")\" without"},
      {"[a", "\"[\" without"},       {"*a", "nothing to repeat"},
      {"a{3,2}", "3 to 2"},          {"a{100001}", "more than 100000"},
      {"[b-a]", "backwards"},        {"(?=a)", "look-around"},
      {"(?<!a)", "look-around"},     {"(a)\\1", "back references"},
      {"\\k<a>", "back references"}, {"\\bword", "word boundaries"},
      {"\\q", "\\q is not known"},   {"\\", "backslash at the end"},
      {"\\u12", "hexadecimal"},      {"\\p{Greek}", "categories"},
      {"a$b", "nothing can match"},  {"[^\\s\\S]", "nothing can match"},
      {"\xFF", "not UTF-8"},         {std::string(65, '(') + std::string(65, ')'), "more than 64 deep"},
  };
  for (const auto& [pattern, message] : kPatterns)
    EXPECT_NE(error_of(Grammar::from_regex(pattern)).find(message), std::string::npos)
        << pattern << ": " << error_of(Grammar::from_regex(pattern));
}

TEST(Gbnf, MatchesTextsOfTheRootRule) {
  const Texts kGrammars[] = {
      {"root ::= \"yes\" | \"no\"", {"yes", "no"}, {"", "yesno"}},
      {"# comment\nroot ::= item (\", \" item)* # more\n\nitem ::= [a-z]+ [0-9]{2}\n",
       {"ab12", "a00, b11"},
       {"a1", "a00,b11", "a00, "}},
      {"root ::= (\"a\"\n | \"b\")? |\n \"c\"", {"", "a", "b", "c"}, {"ab"}},
      {"root ::= nested\nnested ::= \"(\" nested \")\" | \"\"", {"", "()", "((()))"}, {"(", "(()", ")("}},
      {"root ::= \"\\x41\\u4f60\\U0001F600\\n\\\"\" [^\\]\\n-]{,2} .",
       {"A你😀\n\"x", "A你😀\n\"abc"},
       {"A你😀\n\"]]]"}},
      {"root ::= a b\na ::= \"x\"*\nb ::= a \"y\"?", {"", "xxx", "xxxy"}, {"yx"}},
      {"root ::= e\ne ::= t (\"+\" t)*\nt ::= \"1\" | \"(\" e \")\"", {"1+(1+1)", "((1))"}, {"1+", "(1"}},
      {"root ::= (\"a\"*)* \"b\"{2}{2}", {"bbbb", "aabbbb"}, {"bb"}},
      {"root ::= p\np ::= \"a\" p \"a\" | \"b\" p \"b\" | \"c\"", {"abacaba", "c"}, {"abacab", "abacbaa"}},
  };
  for (const Texts& texts : kGrammars) {
    const auto grammar = Grammar::from_gbnf(texts.grammar);
    ASSERT_TRUE(grammar) << texts.grammar << ": " << grammar.error().message;
    for (const std::string_view text : texts.good)
      EXPECT_TRUE(matches(grammar, text)) << texts.grammar << " " << text;
    for (const std::string_view text : texts.bad)
      EXPECT_FALSE(matches(grammar, text)) << texts.grammar << " " << text;
  }
}

TEST(Gbnf, RefusesWhatItCannotDoAndSaysWhy) {
  const std::pair<std::string, const char*> kGrammars[] = {
      {"", "\"root\" is not defined"},
      {"root ::= other", "\"other\" is not defined"},
      {"root ::= \"a\"\nroot ::= \"b\"", "defined twice"},
      {"root = \"a\"", "expected ::="},
      {"root ::= \"a", "no end"},
      {"root ::= (\"a\"", "without"},
      {"root ::= \"a\" )", "expected the end"},
      {"root ::= [z-a]", "backwards"},
      {"root ::= \"a\"{x}", "{n,m}"},
      {"root ::= <token>", "tokens"},
      {"root ::= \"\\ud800\"", "hexadecimal"},
      {"root ::= root \"a\" | \"b\"", "left recursion"},
      {"root ::= e root \"a\" | \"b\"\ne ::= \"x\"?", "left recursion"},
      {"root ::= a\na ::= b\nb ::= a | \"x\"", "left recursion"},
      {"root ::= \"a\" root", "nothing can match"},
      {"root ::= \"a\"{50000}{50000}{50000}", "too large"},
      {"root ::= " + std::string(65, '(') + "\"a\"" + std::string(65, ')'), "more than 64 deep"},
  };
  for (const auto& [grammar, message] : kGrammars)
    EXPECT_NE(error_of(Grammar::from_gbnf(grammar)).find(message), std::string::npos)
        << grammar << ": " << error_of(Grammar::from_gbnf(grammar));
}

// Each asks for exponentially much in another way.
TEST(Grammar, HostileOnesAreRefusedOrHarmless) {
  EXPECT_NE(error_of(Grammar::from_regex("(a|b)*a(a|b){30}")).find("too large"), std::string::npos);
  EXPECT_NE(error_of(Grammar::from_regex("((((a{999}){999}){999}){999}){999}")).find("too large"),
            std::string::npos);
  EXPECT_NE(error_of(Grammar::from_regex("(x+x+)+y(.*z){15}[^q]{9999}")).find("too large"),
            std::string::npos);
  std::string chain, fan = "root ::= r0\n";
  for (int i = 0; i < 900; ++i)
    chain +=
        fmt::format("{} ::= \"a\" r{} \"b\" | r{}\n", i == 0 ? "root" : fmt::format("r{}", i), i + 1, i + 1);
  EXPECT_TRUE(matches(Grammar::from_gbnf(chain + "r900 ::= \"c\""), "aacbb"));
  // 2^40 ways to begin.
  for (int i = 0; i < 40; ++i) {
    fan += fmt::format("r{0} ::= r{1} \"x\" | s{1} \"y\" | \"(\" r0 \")\"\n", i, i + 1);
    fan += fmt::format("s{0} ::= r{1} \"x\" | s{1} \"z\" | \"[\" s0 \"]\"\n", i, i + 1);
  }
  const auto grammar = Grammar::from_gbnf(fan + "r40 ::= \"c\"\ns40 ::= \"d\"");
  ASSERT_TRUE(grammar) << grammar.error().message;
  EXPECT_FALSE(matches(grammar, "e"));
}

// Two ways to read every letter: 2^60 in all, of which only some are followed. What is accepted is still
// right.
TEST(Grammar, AmbiguousTextsAreFollowedInBoundedlyManyWays) {
  const auto grammar = Grammar::from_gbnf("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"");
  const std::string a(60, 'a');
  EXPECT_TRUE(matches(grammar, "aabc"));
  EXPECT_FALSE(matches(grammar, "aab"));
  EXPECT_FALSE(matches(grammar, a));
  EXPECT_FALSE(matches(grammar, a + std::string(59, 'b')));
}

}  // namespace
}  // namespace aloud
