// What every command begins and ends with: reading its words, and one line about what went wrong.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string_view>

#include "cli/command.h"

namespace aloud {

// Reads the words of a command, whose name is app's ("aloud chat"), and gives its help headings in two
// languages. nullopt: go on; else the exit code: help was printed, or one line about what is wrong.
std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv);

// "aloud NAME: message" on stderr; returns code.
int report_error(std::string_view command, std::string_view message, int code = kExitFailure);

}  // namespace aloud
