// Panels kept in a file from one start to the next, so that only a model's first start packs them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "weights/gguf.h"
#include "weights/panel_store.h"

namespace aloud {

// Smaller models are packed faster than a file is worth.
inline constexpr std::int64_t kLeastSidecarBytes = 64 << 20;

// Writes a sidecar in a thread of its own. The file appears under its name when all of it is on disk; until
// then NAME.partial, locked, keeps other processes from writing it too.
class SidecarWriter {
 public:
  // file: NAME.partial, open and locked; owned. panels must outlive the writer.
  SidecarWriter(int file, std::string path, std::vector<std::byte> header, std::span<const std::byte> panels);
  // Gives up what is not finished.
  ~SidecarWriter();
  SidecarWriter(const SidecarWriter&) = delete;
  SidecarWriter& operator=(const SidecarWriter&) = delete;

  // Returns when the file is there, or could not be written.
  void wait();

 private:
  void write(std::span<const std::byte> header, std::span<const std::byte> panels);

  int file_;
  std::string path_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct PanelOptions {
  bool sidecar = true;
  std::int64_t least_bytes = kLeastSidecarBytes;
  std::string folder;     // of the sidecars; empty: aloud/ in the user's cache folder, see below
  PackProgress progress;  // of packing; may be empty
};

struct OpenPanels {
  PanelStore store;
  std::string notice;  // why a sidecar that is there, or its folder, was not used; mostly empty
  std::unique_ptr<SidecarWriter> writer;  // nullptr: nothing is being written
  // Moves what was mapped from a sidecar into huge pages while it is used already.
  std::jthread mover;

  // Returns when nothing is written or moved any more.
  void settle();
};

// Takes the panels from MODEL.panels beside the model, or from NAME-HASH.panels in the folder, when one was
// made of this very file (its size, time of change and header say so); else packs them, and begins to write
// the latter. The folder is $XDG_CACHE_HOME/aloud or ~/.cache/aloud. A sidecar must be a regular file of the
// user or of root that nobody else may write. A model that is not a file has none.
// Errors: those of PanelStore::pack().
Result<OpenPanels> open_panels(const GgufFile& file, ThreadPool& pool, const PanelOptions& options = {});

}  // namespace aloud
