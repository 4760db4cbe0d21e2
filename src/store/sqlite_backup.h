// A copy of a store that is in use, and a store made of such a copy.
#pragma once

#include <string>

#include "base/result.h"

namespace aloud {

// Writes the database of a folder to a new file, private to the user, as it is at one moment; whoever reads
// or writes meanwhile is not disturbed. Nothing stands at `file` until it is complete and on disk. Errors:
// the folder has no database; the file is there already, or cannot be written.
Status backup_store(const std::string& folder, const std::string& file);

// Makes the database of a folder, which nobody may use meanwhile, a copy of a file that backup_store wrote.
// The file is examined first; if anything is wrong with it, nothing changes. The folder is made if it is not
// there. Returns where the database that was there is kept; empty: there was none. Errors: the file is
// damaged, of another program or of a newer version of this one; the folder is in use.
Result<std::string> restore_store(const std::string& folder, const std::string& file);

}  // namespace aloud
