// A thread that waits, then shows.
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <utility>

namespace aloud {
namespace {

constexpr std::chrono::milliseconds kPatience{500};
constexpr std::chrono::milliseconds kBetweenLines{100};

}  // namespace

Progress::Progress(std::string text) : text_(std::move(text)), watcher_([this] { watch(); }) {}

Progress::~Progress() { finish(); }

void Progress::update(std::string text) {
  const std::lock_guard lock(mutex_);
  text_ = std::move(text);
}

void Progress::finish() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  if (watcher_.joinable()) watcher_.join();
}

void Progress::watch() {
  if (::isatty(STDERR_FILENO) == 0) return;
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, kPatience, [&] { return done_; })) return;
  do {
    fmt::print(stderr, "\r\x1b[K{}", text_);
    std::fflush(stderr);
  } while (!changed_.wait_for(lock, kBetweenLines, [&] { return done_; }));
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

}  // namespace aloud
