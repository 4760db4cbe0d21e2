// The table of languages.
#include "chat/thought_language.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/utf8.h"

namespace aloud {
namespace {

constexpr ThoughtLanguage kLanguages[] = {
    {"en", "Okay, I will think in English. ",
     "I am going in circles. I stop here and answer with what I have."},
    {"zh", "好的，我用中文思考。", "我在原地打转了。就想到这里，根据已有的思路作答。"},
    {"de", "Gut, ich denke auf Deutsch. ",
     "Ich drehe mich im Kreis. Ich höre hier auf und antworte mit dem, was ich habe."},
    {"es", "Bien, pensaré en español. ", "Estoy dando vueltas. Lo dejo aquí y respondo con lo que tengo."},
    {"fr", "Bien, je réfléchis en français. ",
     "Je tourne en rond. Je m'arrête ici et je réponds avec ce que j'ai."},
    {"it", "Bene, penso in italiano. ", "Sto girando in tondo. Mi fermo qui e rispondo con quello che ho."},
    {"ja", "では、日本語で考えます。",
     "堂々巡りになっています。ここで考えるのをやめ、今ある考えで答えます。"},
    {"ko", "좋아, 한국어로 생각해 보자. ",
     "생각이 제자리를 맴돌고 있다. 여기서 멈추고 지금까지의 생각으로 답하자."},
    {"pt", "Certo, vou pensar em português. ",
     "Estou andando em círculos. Paro aqui e respondo com o que tenho."},
    {"ru", "Хорошо, буду думать по-русски. ", "Я хожу по кругу. Остановлюсь на этом и отвечу тем, что есть."},
};

constexpr std::size_t kLookedAtBytes = 512;

std::string_view code_of_script(char32_t c) {
  if (c >= 0x3040 && c < 0x3100) return "ja";
  if (c >= 0x4E00 && c < 0xA000) return "zh";
  if (c >= 0xAC00 && c < 0xD7B0) return "ko";
  if (c >= 0x0400 && c < 0x0530) return "ru";
  return "";
}

}  // namespace

std::span<const ThoughtLanguage> thought_languages() { return kLanguages; }

const ThoughtLanguage* find_thought_language(std::string_view code) {
  const auto found = std::ranges::find(kLanguages, code, &ThoughtLanguage::code);
  return found == std::end(kLanguages) ? nullptr : found;
}

const ThoughtLanguage& guess_thought_language(std::string_view thought) {
  std::string_view end = thought.substr(thought.size() - std::min(thought.size(), kLookedAtBytes));
  std::string_view guess = "en";
  int votes = 0, characters = 0;
  while (!end.empty()) {
    const CodePoint point = decode_utf8(end);
    end.remove_prefix(point.length);
    ++characters;
    const std::string_view code = code_of_script(point.value);
    if (code.empty()) continue;
    ++votes;
    if (guess != "ja") guess = code;  // kana beside Chinese characters is Japanese
  }
  // A few words of another script are quotations.
  if (votes * 4 < characters) guess = "en";
  const ThoughtLanguage* language = find_thought_language(guess);
  CHECK(language != nullptr);
  return *language;
}

}  // namespace aloud
