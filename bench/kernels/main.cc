// Runs the benchmarks of one program.
#include <benchmark/benchmark.h>

#include "kernels/register.h"

int main(int argc, char** argv) {
  aloud::register_benchmarks();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
