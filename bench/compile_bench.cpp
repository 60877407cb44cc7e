// How long a program that uses Strata takes to compile: processor time of the compiler at -O0, in
// turns with a program that includes only what the public headers cannot do without.
#include <sys/resource.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "bench/comparison.h"
#include "testing/servers/spawn.h"

namespace strata::bench {
namespace {

constexpr int kRounds = 5;

// The compiler with the flags of this build, but for optimisation and the precompiled headers, which
// a user does not have.
std::vector<std::string> compileCommand(const std::string& source) {
  std::vector<std::string> command{STRATA_BENCH_COMPILER, "-std=c++20", "-O0", "-g1", "-c", "-o",
                                   "/dev/null",           source};
  for (const auto folder : absl::StrSplit(STRATA_BENCH_INCLUDES, ';', absl::SkipEmpty())) {
    command.push_back("-I" + std::string(folder));
  }
  return command;
}

// Seconds of processor time.
double compile(const std::string& source) {
  const auto started = testing::internal::spawn(compileCommand(source), {});
  if (!started.ok()) fail(started.status().ToString());
  int status = 0;
  rusage used{};
  if (wait4(*started, &status, 0, &used) != *started || status != 0) fail("compiling " + source);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

Row compareCompilation(const std::string& name, double budget, const std::string& ours,
                       const std::string& baseline) {
  const std::string root = STRATA_BENCH_SOURCE;
  return compareRuns(name, {Budget::Kind::kAtMost, budget}, "s", kRounds, [&](bool is_ours) {
    return compile(root + "/" + (is_ours ? ours : baseline));
  });
}

}  // namespace

std::vector<Benchmark> compileBenchmarks() {
  return {{"compile_quickstart",
           [] {
             return compareCompilation("compile_quickstart", 1.7, "examples/quickstart.cpp",
                                       "bench/compile/others_headers.cpp");
           }},
          {"compile_nine_types", [] {
             return compareCompilation("compile_nine_types", 4.0, "bench/compile/nine_types.cpp",
                                       "bench/compile/others_headers.cpp");
           }}};
}

}  // namespace strata::bench
