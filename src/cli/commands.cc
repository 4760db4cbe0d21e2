// The visible list of commands; a new command is one file, one declaration and one line here.
#include <vector>

#include "cli/command.h"

namespace aloud {

std::span<const Command> all_commands() {
  static const std::vector<Command> kCommands = {
  };
  return kCommands;
}

}  // namespace aloud
