// libedit with a reader of our own.
#include "cli/line_editor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"

namespace aloud {
namespace {

constexpr int kHistoryLines = 1000;
constexpr int kSequenceTimeoutMs = 50;        // bytes of one escape sequence come together
constexpr std::size_t kLongPasteBytes = 400;  // longer pastes, and those of more lines, become a marker
constexpr std::size_t kLongPasteLines = 8;
constexpr std::string_view kPasteBegin = "\x1b[200~";
constexpr std::string_view kPasteEnd = "\x1b[201~";
constexpr std::string_view kLineEndSign = "⏎";

// Handlers that only interrupt a wait; what happened is asked for afterwards.
volatile sig_atomic_t window_changed = 0;
volatile sig_atomic_t continued = 0;
void on_window_change(int number) {
  if (!passed_to_main_thread(number)) window_changed = 1;
}
void on_continue(int number) {
  if (!passed_to_main_thread(number)) continued = 1;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done);
    out += to;
    done = at + from.size();
  }
  out.append(text, done);
  text = std::move(out);
}

// libedit shows as escapes what the locale calls unprintable; in a bare container that would be all but
// ASCII.
void use_utf8_locale() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

int window_columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// Cells of a terminal that a text takes.
int display_columns(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    columns += std::max(0, ::wcwidth(static_cast<wchar_t>(point.value)));
    text.remove_prefix(point.length);
  }
  return columns;
}

void show(std::string_view sequence) {
  std::fwrite(sequence.data(), 1, sequence.size(), stdout);
  std::fflush(stdout);
}

// Bracketed paste on or off; terminals that know no sequences would show it.
void set_bracketed_paste(bool on) {
  const char* terminal = std::getenv("TERM");
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return;
  show(on ? "\x1b[?2004h" : "\x1b[?2004l");
}

}  // namespace

LineEditor::LineEditor(std::string history_file, Interrupts& interrupts)
    : history_file_(std::move(history_file)), interrupts_(interrupts) {
  use_utf8_locale();
  editor_ = el_init("aloud", stdin, stdout, stderr);
  history_ = history_init();
  CHECK(editor_ != nullptr && history_ != nullptr);
  HistEvent event;
  history(history_, &event, H_SETSIZE, kHistoryLines);
  history(history_, &event, H_SETUNIQUE, 1);
  if (!history_file_.empty()) history(history_, &event, H_LOAD, history_file_.c_str());
  el_set(editor_, EL_CLIENTDATA, this);
  el_set(editor_, EL_EDITOR, "emacs");
  el_set(editor_, EL_SIGNAL, 0);
  el_set(editor_, EL_PROMPT, on_prompt);
  el_set(editor_, EL_HIST, history, history_);
  el_set(editor_, EL_GETCFN, on_read);
  el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_window_change;
  sigaction(SIGWINCH, &action, nullptr);
  action.sa_handler = on_continue;
  sigaction(SIGCONT, &action, nullptr);
}

LineEditor::~LineEditor() {
  signal(SIGWINCH, SIG_DFL);
  signal(SIGCONT, SIG_DFL);
  history_end(history_);
  el_end(editor_);
}

LineEditor::Line LineEditor::read(const std::string& prompt) {
  Line whole = read_one(prompt);
  while (whole.outcome == Outcome::kLine && whole.text.ends_with('\\')) {
    whole.text.back() = '\n';
    Line more = read_one("… ");
    if (more.outcome != Outcome::kLine) return {more.outcome, {}, false};
    whole.text += more.text;
  }
  return whole;
}

LineEditor::Line LineEditor::read_one(const std::string& prompt) {
  prompt_ = prompt;
  if (std::exchange(columns_, window_columns()) != columns_)
    el_resize(editor_);  // changed while nobody looked
  // libedit would do this only after the prompt: Ctrl-D in between would be lost.
  el_set(editor_, EL_PREP_TERM, 1);
  set_bracketed_paste(true);
  int count = 0;
  errno = 0;
  const char* text = el_gets(editor_, &count);
  set_bracketed_paste(false);
  if (text == nullptr || count <= 0) {
    const LineInfo* line = el_line(editor_);
    const bool empty = line->lastchar == line->buffer;
    show("\n");
    if (!interrupts_.raised().load()) return {Outcome::kEnd, {}, true};
    interrupts_.clear();
    return {Outcome::kInterrupted, {}, empty};
  }
  std::string line(text, static_cast<std::size_t>(count));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  remember(line);
  return {Outcome::kLine, expand(std::move(line)), false};
}

void LineEditor::remember(const std::string& line) {
  if (line.find_first_not_of(' ') == std::string::npos) return;
  HistEvent event;
  history(history_, &event, H_ENTER, line.c_str());
  if (history_file_.empty()) return;
  // What was asked is nobody else's business: the mode is set before there is anything to read.
  const int file = ::open(history_file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  ::fchmod(file, 0600);
  ::close(file);
  history(history_, &event, H_SAVE, history_file_.c_str());
}

std::string LineEditor::expand(std::string line) const {
  for (std::size_t i = 0; i < pastes_.size(); ++i) {
    const std::string begin = fmt::format("[#{}: ", i + 1);
    const std::size_t at = line.find(begin);
    const std::size_t end = at == std::string::npos ? at : line.find(']', at);
    if (end != std::string::npos) line.replace(at, end + 1 - at, pastes_[i]);
  }
  replace_all(line, kLineEndSign, "\n");
  return line;
}

// libedit forgets what stands on the screen, so it is wiped. Terminals wrap old lines anew: the prompt is as
// many rows above the cursor as the text before it takes at the new width.
void LineEditor::on_resize() {
  if (std::exchange(columns_, window_columns()) == columns_) return;
  const LineInfo* line = el_line(editor_);
  std::string before = prompt_;
  before.append(line->buffer, line->cursor);
  const int rows = columns_ > 0 ? display_columns(before) / columns_ : 0;
  if (rows > 0) show(fmt::format("\x1b[{}A", rows));
  show("\r\x1b[J");
  el_resize(editor_);
  el_set(editor_, EL_REFRESH);
}

const char* LineEditor::on_prompt(EditLine* editor) {
  void* self = nullptr;
  el_get(editor, EL_CLIENTDATA, &self);
  return static_cast<LineEditor*>(self)->prompt_.c_str();
}

// Returns 1 with a character, or -1, which makes el_gets() give up.
int LineEditor::on_read(EditLine* editor, wchar_t* out) {
  void* self = nullptr;
  el_get(editor, EL_CLIENTDATA, &self);
  const std::optional<wchar_t> character = static_cast<LineEditor*>(self)->next_character();
  if (!character) return -1;
  *out = *character;
  return 1;
}

std::optional<wchar_t> LineEditor::next_character() {
  for (;;) {
    if (!pasted_.empty()) {
      const wchar_t character = pasted_.front();
      pasted_.pop_front();
      return character;
    }
    const std::optional<char> first = next_byte();
    if (!first) return std::nullopt;
    if (*first == '\x1b' && take_sequence(kPasteBegin.substr(1))) {
      take_paste();
      continue;
    }
    std::string bytes(1, *first);
    while (incomplete_utf8_suffix(bytes) > 0) {
      const std::optional<char> next = next_byte();
      if (!next) return std::nullopt;
      bytes += *next;
    }
    return static_cast<wchar_t>(decode_utf8(bytes).value);
  }
}

// True, and the bytes are used, when they come next.
bool LineEditor::take_sequence(std::string_view sequence) {
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    if (i >= bytes_.size() && !fill(kSequenceTimeoutMs)) return false;
    if (bytes_[i] != sequence[i]) return false;
  }
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sequence.size()));
  return true;
}

void LineEditor::take_paste() {
  std::string text;
  while (!text.ends_with(kPasteEnd)) {
    const std::optional<char> byte = next_byte();
    if (!byte) return;
    text += *byte;
  }
  text.erase(text.size() - kPasteEnd.size());
  text = replace_malformed_utf8(text);
  replace_all(text, "\r\n", "\n");
  replace_all(text, "\r", "\n");
  replace_all(text, "\t", "    ");
  while (text.ends_with('\n')) text.pop_back();
  std::size_t lines = 1;
  for (const char c : text) lines += c == '\n' ? 1 : 0;
  if (text.size() > kLongPasteBytes || lines > kLongPasteLines) {
    pastes_.push_back(std::move(text));
    text = fmt::format("[#{}: {} B, {} ⏎]", pastes_.size(), pastes_.back().size(), lines);
  }
  replace_all(text, "\n", kLineEndSign);
  for (std::string_view rest = text; !rest.empty();) {
    const CodePoint point = decode_utf8(rest);
    rest.remove_prefix(point.length);
    if (point.value >= 0x20 && point.value != 0x7F) pasted_.push_back(static_cast<wchar_t>(point.value));
  }
}

std::optional<char> LineEditor::next_byte() {
  if (bytes_.empty() && !fill(-1)) return std::nullopt;
  const char byte = bytes_.front();
  bytes_.pop_front();
  return byte;
}

// Waits for input. False at its end, after Ctrl-C, and when the time is over.
bool LineEditor::fill(int timeout_ms) {
  sigset_t watched;
  sigset_t before;
  sigemptyset(&watched);
  for (const int number : {SIGINT, SIGWINCH, SIGCONT}) sigaddset(&watched, number);
  // Blocked but while waiting, so that no signal falls between a look at its flag and the wait.
  pthread_sigmask(SIG_BLOCK, &watched, &before);
  const timespec timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1'000'000L};
  bool filled = false;
  for (;;) {
    if (interrupts_.raised().load()) break;
    if (continued != 0) {
      continued = 0;
      el_set(editor_, EL_PREP_TERM, 1);  // the shell changed the terminal's modes meanwhile
      el_set(editor_, EL_REFRESH);
    }
    if (window_changed != 0) {
      window_changed = 0;
      on_resize();
    }
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::ppoll(&input, 1, timeout_ms < 0 ? nullptr : &timeout, &before);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    char buffer[4096];
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count > 0) bytes_.insert(bytes_.end(), buffer, buffer + count);
    filled = count > 0;
    break;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return filled;
}

std::string history_path() {
  namespace fs = std::filesystem;
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  fs::path folder;
  if (state != nullptr && *state == '/') {  // the specification says to ignore relative paths
    folder = state;
  } else if (home != nullptr && *home != '\0') {
    folder = fs::path(home) / ".local" / "state";
  } else {
    return {};
  }
  folder /= "aloud";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return {};
  return folder / "history";
}

}  // namespace aloud
