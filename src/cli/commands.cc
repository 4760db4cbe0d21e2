// The visible list of commands; a new command is one file, one declaration and one line here.
#include "cli/command.h"

namespace aloud {

int run_logits(int argc, char** argv);

namespace {

constexpr Command kCommands[] = {
    {"logits", "raw logits of given tokens", "给定词元的原始 logits", run_logits},
};

}  // namespace

std::span<const Command> all_commands() { return kCommands; }

}  // namespace aloud
