// Ctrl-C: once stops what runs, twice within a second ends the program.
#pragma once

#include <atomic>

namespace aloud {

inline constexpr int kExitInterrupted = 130;  // 128 + SIGINT, as shells have it

// While one is alive SIGINT raises a flag; a second one within a second, or SIGTERM or SIGHUP, restores the
// terminal and ends the process. At most one at a time (signals belong to the process).
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  const std::atomic<bool>& raised() const;
  void clear();
};

// For signal handlers: a signal of the process may reach any of its threads, but only the main one waits for
// input and must be woken. True after passing it on to that one.
bool passed_to_main_thread(int number);

// While alive, what is typed is not echoed (it waits for the next line); nothing happens where stdin is no
// terminal.
class EchoOff {
 public:
  EchoOff();
  ~EchoOff();
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  bool changed_ = false;
};

}  // namespace aloud
