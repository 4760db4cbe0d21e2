// What each benchmark program defines and main.cc calls.
#pragma once

namespace aloud {

// Registers all benchmarks of the program, by names that --benchmark_filter chooses from.
void register_benchmarks();

}  // namespace aloud
