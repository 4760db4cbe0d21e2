// Reads lines from a terminal with editing, history and pasting.
#pragma once

#include <histedit.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/interrupt.h"

namespace aloud {

// Over libedit, which reads single bytes and knows no bracketed paste: input comes through our own reader,
// which decodes UTF-8, keeps pasted text together and wakes up for Ctrl-C and for a new window size. A pasted
// line end shows as ⏎, a long paste as a short marker; a line that ends in a backslash goes on in the next.
class LineEditor {
 public:
  enum class Outcome { kLine, kEnd, kInterrupted };
  struct Line {
    Outcome outcome = Outcome::kLine;
    std::string text;       // UTF-8, may have line ends within
    bool was_empty = true;  // kInterrupted: nothing had been typed
  };

  // history_file: empty for none; it is created for its owner only.
  LineEditor(std::string history_file, Interrupts& interrupts);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  Line read(const std::string& prompt);

 private:
  static int on_read(EditLine* editor, wchar_t* out);
  static const char* on_prompt(EditLine* editor);
  void on_resize();

  Line read_one(const std::string& prompt);
  std::optional<wchar_t> next_character();
  std::optional<char> next_byte();
  bool fill(int timeout_ms);
  bool take_sequence(std::string_view sequence);
  void take_paste();
  void remember(const std::string& line);
  std::string expand(std::string line) const;

  EditLine* editor_;
  History* history_;
  std::string history_file_;
  Interrupts& interrupts_;
  std::string prompt_;
  int columns_ = 0;                  // of the window, when libedit was told
  std::deque<char> bytes_;           // read and not yet used
  std::deque<wchar_t> pasted_;       // to be handed out as typed
  std::vector<std::string> pastes_;  // what the markers stand for
};

// $XDG_STATE_HOME/aloud/history (default ~/.local/state); empty when there is no home or the folder cannot be
// made.
std::string history_path();

}  // namespace aloud
