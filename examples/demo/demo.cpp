// The demo: real traffic through the LLM policy store, every answer checked.
//
//   ./dev demo                              in this process, no server
//   ./dev demo --servers                    on a PostgreSQL and a Redis of its own
//   ./dev demo --servers --kill-redis       and Redis dies when half of the requests are done
//   DATABASE_URL=… REDIS_URL=… ./dev demo   on yours
//
// Exit codes: 0, every answer was right; 1, one was stale, wrong or an error; 2, the demo could not
// run (an option, a file, a server).
#include <fmt/format.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "examples/demo/report.h"
#include "strata/base/status.h"
#include "strata/factories/policy_store_factory.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::demo {
namespace {

namespace po = boost::program_options;

constexpr int kRight = 0;
constexpr int kWrong = 1;
constexpr int kCannotRun = 2;
// So many bad lines of one file are told one by one, the rest is counted.
constexpr std::int64_t kToldLines = 100;

struct Options {
  std::string policies;
  std::string trace;
  ReplayOptions replay;
  bool servers = false;
  bool kill_redis = false;
  bool json = false;
};

po::options_description describeOptions(Options& options) {
  po::options_description description("Replays a request log against the LLM policy store");
  description.add_options()("help", "print this");
  description.add_options()(
      "policies", po::value(&options.policies)->default_value(STRATA_DEMO_DATA "/policies.jsonl"),
      "file of tenant policies, one JSON object a line");
  description.add_options()(
      "trace", po::value(&options.trace)->default_value(STRATA_DEMO_DATA "/requests.csv"),
      "CSV file with a column TIMESTAMP. A request's tenant is number floor(n·u³) of the n in the "
      "file of policies, u being a hash of the TIMESTAMP between 0 and 1");
  description.add_options()("speed", po::value(&options.replay.speed)->default_value(0),
                            "times as fast as in the log; 0: as fast as it goes");
  description.add_options()("threads", po::value(&options.replay.threads)->default_value(8),
                            "clients");
  description.add_options()("repeat", po::value(&options.replay.repeat)->default_value(1),
                            "how often to replay the log");
  description.add_options()("requests-per-edit",
                            po::value(&options.replay.requests_per_edit)->default_value(50),
                            "an administrator's edit lands after every so many requests");
  description.add_options()("servers", po::bool_switch(&options.servers),
                            "on a private PostgreSQL and Redis that end with the demo");
  description.add_options()("kill-redis", po::bool_switch(&options.kill_redis),
                            "with --servers: kill Redis when half of the requests are done");
  description.add_options()("json", po::bool_switch(&options.json),
                            "print the figures as one JSON object");
  return description;
}

int fail(std::string_view why) {
  fmt::print(stderr, "demo: {}\n", why);
  return kCannotRun;
}

// Tells which lines of a file are passed over, and counts them.
class BadLines {
 public:
  explicit BadLines(std::string file) : file_(std::move(file)) {}
  ~BadLines() {
    if (count_ > kToldLines) fmt::print(stderr, "{}: {} lines skipped in all\n", file_, count_);
  }
  void operator()(std::size_t line, std::string_view why) {
    if (++count_ <= kToldLines) fmt::print(stderr, "{}:{}: skipped: {}\n", file_, line, why);
  }
  std::int64_t count() const { return count_; }

 private:
  std::string file_;
  std::int64_t count_ = 0;
};

struct Input {
  std::vector<TenantLlmPolicy> policies;
  std::vector<Request> trace;
  std::int64_t skipped = 0;
};

absl::StatusOr<Input> readInput(const Options& options) {
  BadLines bad_policies(options.policies);
  auto policies = readPolicies(options.policies, std::ref(bad_policies));
  if (!policies.ok()) return policies.status();
  BadLines bad_requests(options.trace);
  auto trace = readTrace(options.trace, std::ref(bad_requests));
  if (!trace.ok()) return trace.status();
  if (policies->empty()) {
    return absl::InvalidArgumentError(fmt::format("{} holds no policy", options.policies));
  }
  if (trace->empty()) {
    return absl::InvalidArgumentError(fmt::format("{} holds no request", options.trace));
  }
  return Input{*std::move(policies), *std::move(trace),
               bad_policies.count() + bad_requests.count()};
}

absl::StatusOr<Config> configFor(testing::LocalServers* servers) {
  auto config = configFromEnv();
  if (!config.ok() || servers == nullptr) {
    // In this process the cache is an in-process one, so that the demo shows the whole stack.
    if (config.ok() && config->database_url.empty() && config->cache_url.empty()) {
      config->cache_provider = CacheProvider::kMemory;
    }
    return config;
  }
  config->database_url = servers->postgres().url();
  config->cache_url = servers->redis().url();
  config->cache_provider = CacheProvider::kRedis;
  return config;
}

void showProgress(std::int64_t done, std::int64_t total) {
  fmt::print(stderr, "{}{}", progressBar(done, total), done == total ? "\n" : "");
  std::fflush(stderr);
}

int run(Options options) {
  const auto input = readInput(options);
  if (!input.ok()) return fail(std::string(input.status().message()));

  std::unique_ptr<testing::LocalServers> servers;
  if (options.servers) {
    auto started = testing::LocalServers::start({.postgres = true, .redis = true});
    if (!started.ok()) return fail(describe(started.status()));
    servers = *std::move(started);
  }
  const auto config = configFor(servers.get());
  if (!config.ok()) return fail(std::string(config.status().message()));
  const auto metrics = std::make_shared<InMemoryMetrics>();
  const auto backends = connect(*config, {.metrics = metrics});
  if (!backends.ok()) return fail(describe(backends.status()));
  const auto store = createPolicyStore(*backends);
  if (!store.ok()) return fail(describe(store.status()));

  if (options.kill_redis) {
    options.replay.at_half = [&] { servers->redis().kill().IgnoreError(); };  // dead either way
  }
  if (isatty(STDERR_FILENO) == 1 && !options.json) options.replay.on_progress = showProgress;
  const ReplayResult result = replay(**store, input->policies, input->trace, options.replay);
  const Figures figures = collect(result, input->skipped, *metrics, (*store)->healthCheck());
  fmt::print("{}\n", options.json ? toJson(figures) : toText(figures));
  return figures.isClean() ? kRight : kWrong;
}

int main(int argc, char** argv) {
  Options options;
  const po::options_description description = describeOptions(options);
  po::variables_map values;
  try {
    po::store(po::parse_command_line(argc, argv, description), values);
    po::notify(values);
  } catch (const po::error& error) {
    return fail(error.what());
  }
  if (values.contains("help")) {
    std::cout << description;
    return kRight;
  }
  if (options.replay.threads < 1 || options.replay.threads > 256 || options.replay.repeat < 1 ||
      options.replay.requests_per_edit < 1 || options.replay.speed < 0) {
    return fail(
        "--threads is 1 to 256, --repeat and --requests-per-edit at least 1, --speed at least 0");
  }
  if (options.kill_redis && !options.servers) return fail("--kill-redis goes with --servers");
  return run(std::move(options));
}

}  // namespace
}  // namespace strata::demo

int main(int argc, char** argv) { return strata::demo::main(argc, argv); }
