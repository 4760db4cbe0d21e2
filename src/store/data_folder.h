// The folder of the store's files: where it is, that it is private, and who uses it.
#pragma once

#include <string>

#include "base/result.h"

namespace aloud {

// `option` if it is not empty, else $XDG_DATA_HOME/aloud or ~/.local/share/aloud. Errors: there is no home.
Result<std::string> data_folder(const std::string& option);

// Makes the folder (0700), and those above it, unless it is there.
Status make_private_folder(const std::string& folder);
// Makes an empty file (0600) unless it is there.
Status make_private_file(const std::string& path);
// What a file holds, or which files a folder holds, survives a crash of the machine from here on.
Status sync_to_disk(const std::string& path);

enum class FolderUse {
  kTool,     // beside others
  kServe,    // beside tools, and no other that serves
  kReplace,  // alone: the files themselves are exchanged
};

// Held while this process uses the folder; the system lets go of it when the process ends, however that
// happens.
class FolderLock {
 public:
  // Errors: another process has the folder in a way that does not go with this one.
  static Result<FolderLock> take(const std::string& folder, FolderUse use);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int file) : file_(file) {}

  int file_;  // -1: moved from
};

}  // namespace aloud
