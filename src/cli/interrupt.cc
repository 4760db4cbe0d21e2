// Signal handlers and the little state that they must reach.
#include "cli/interrupt.h"

#include <signal.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace aloud {
namespace {

constexpr std::int64_t kTwiceWithinMs = 1000;

// A handler gets no argument of ours: this is the one place for static state.
struct HandlerState {
  std::atomic<bool> active{false};
  std::atomic<bool> raised{false};
  std::atomic<std::int64_t> last_ms{0};
  bool has_terminal = false;
  termios terminal{};
};
HandlerState handler_state;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

[[noreturn]] void leave(int code) {
  if (handler_state.has_terminal) {
    tcsetattr(STDIN_FILENO, TCSANOW, &handler_state.terminal);
    if (isatty(STDOUT_FILENO) != 0) {
      constexpr char kPlain[] = "\x1b[0m\x1b[?2004l\n";  // no dimming, no bracketed paste
      [[maybe_unused]] const auto written = write(STDOUT_FILENO, kPlain, sizeof kPlain - 1);
    }
  }
  _exit(code);
}

void on_signal(int number) {
  if (passed_to_main_thread(number)) return;
  if (number != SIGINT) leave(128 + number);
  const std::int64_t now = now_ms();
  const std::int64_t last = handler_state.last_ms.exchange(now);
  if (last != 0 && now - last < kTwiceWithinMs) leave(kExitInterrupted);
  handler_state.raised.store(true);
}

void set_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
}

}  // namespace

bool passed_to_main_thread(int number) {
  const pid_t process = getpid();  // also the id of the main thread
  if (gettid() == process) return false;
  tgkill(process, process, number);
  return true;
}

Interrupts::Interrupts() {
  CHECK(!handler_state.active.exchange(true));
  handler_state.raised.store(false);
  handler_state.last_ms.store(0);
  handler_state.has_terminal = tcgetattr(STDIN_FILENO, &handler_state.terminal) == 0;
  set_handlers(on_signal);
}

Interrupts::~Interrupts() {
  set_handlers(SIG_DFL);
  handler_state.active.store(false);
}

const std::atomic<bool>& Interrupts::raised() const { return handler_state.raised; }
void Interrupts::clear() { handler_state.raised.store(false); }

EchoOff::EchoOff() {
  termios terminal{};
  if (tcgetattr(STDIN_FILENO, &terminal) != 0) return;
  terminal.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  changed_ = tcsetattr(STDIN_FILENO, TCSANOW, &terminal) == 0;
}

EchoOff::~EchoOff() {
  termios terminal{};
  if (!changed_ || tcgetattr(STDIN_FILENO, &terminal) != 0) return;
  terminal.c_lflag |= ECHO;
  tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
}

}  // namespace aloud
