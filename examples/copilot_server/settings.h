// What the service itself is told by the environment. What the library is told: strata::Config.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/copilot_server/identity.h"
#include "strata/factories/config.h"

namespace copilot {

struct Settings {
  std::string host = "127.0.0.1";       // HOST
  std::uint16_t port = 8080;            // PORT; 0: any that is free
  int io_threads = 2;                   // IO_THREADS: they never block
  int worker_threads = 16;              // WORKER_THREADS: they wait for stores
  int max_connections = 10'000;         // MAX_CONNECTIONS
  bool has_max_connections = false;     // whether it was set
  int connections_per_address = 1'000;  // MAX_CONNECTIONS_PER_ADDRESS
  int megabytes_per_address = 64;       // MAX_MEGABYTES_PER_ADDRESS: bodies that are being read
  std::uint16_t probe_port = 0;         // PROBE_PORT; 0: probes are asked on PORT
  IdentitySettings identity;            // who may claim to be whom
  strata::Secret admin_secret;          // ADMIN_SECRET; empty: there are no routes for operators
  int global_per_minute = 100;          // RATE_LIMIT_GLOBAL_PER_MINUTE, per address
  int writes_per_minute = 30;           // RATE_LIMIT_WRITE_PER_MINUTE, per user
  int contexts_per_minute = 10;         // RATE_LIMIT_AI_PER_MINUTE, per user
  absl::Duration heartbeat = absl::Seconds(15);       // HEARTBEAT_SECONDS
  absl::Duration drain_delay = absl::ZeroDuration();  // DRAIN_DELAY_SECONDS
  bool log_requests = false;                          // LOG_LEVEL=debug
};

// InvalidArgument names every variable that cannot be read, and those without which the service would
// believe strangers.
absl::StatusOr<Settings> settingsFromEnv(const strata::Environment& environment);

}  // namespace copilot
