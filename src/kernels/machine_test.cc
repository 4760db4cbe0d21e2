// What is read from /proc/cpuinfo, and which limits count as suspect.
#include "kernels/machine.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

constexpr std::string_view kTwoProcessors =
    "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC 9575F "
    "\nflags\t\t: fpu\n"
    "power management:\n\nprocessor\t: 1\nvendor_id\t: Other\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: "
    "Other\n";

TEST(Machine, IsTheFirstProcessorOfCpuinfo) {
  const Machine machine = parse_machine(kTwoProcessors);
  EXPECT_EQ(machine.processor, "AMD EPYC 9575F");
  EXPECT_EQ(machine.vendor, "AuthenticAMD");
  EXPECT_EQ(machine.family, 26);
  EXPECT_EQ(machine.model, 2);
}

TEST(Machine, MayBeUnknown) {
  for (const std::string_view text : {"", "\n", "processor", "model name", "cpu family : many\n", ":\n"}) {
    const Machine machine = parse_machine(text);
    EXPECT_EQ(machine.processor, "") << text;
    EXPECT_EQ(machine.family, 0) << text;
    EXPECT_FALSE(known_limits(machine, Isa::kAvx512, 2)) << text;
  }
}

TEST(Machine, IsKnownByProcessorInstructionSetAndThreads) {
  const Machine machine = parse_machine(kTwoProcessors);
  const auto limits = known_limits(machine, Isa::kAvx512, 2);
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->int8_gops, 1999);
  EXPECT_FALSE(known_limits(machine, Isa::kAvx2, 2));
  EXPECT_FALSE(known_limits(machine, Isa::kAvx512, 64));
}

TEST(Machine, LimitsFarBelowTheKnownOnesAreSuspect) {
  const MachineLimits known = {45, 2000, 900, 500};
  EXPECT_TRUE(suspect_limits({43, 1910, 900, 600}, known).empty());
  EXPECT_EQ(suspect_limits({42, 1910, 0, 400}, known),
            (std::vector<std::string_view>{"read_gb_per_s", "bf16_gops", "fp32_gops"}));
}

TEST(Machine, ThisOneHasLimits) {
  ThreadPool pool(1);
  for (const Isa isa : supported_isas()) {
    const MachineLimits limits = best_of(probe_machine(isa, pool), {});
    EXPECT_GT(limits.read_gb_per_s, 0.1) << name(isa);
    EXPECT_GT(limits.fp32_gops, 0.1) << name(isa);
    EXPECT_GT(limits.int8_gops, 0.1) << name(isa);
  }
}

}  // namespace
}  // namespace aloud
