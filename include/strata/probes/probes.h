// Probes: what a process answers to whoever watches over it: an orchestrator, Prometheus, a person.
//
//   auto probes = std::make_shared<Probes>();
//   probes->add("postgres", [db = backends->database] { return db->healthCheck(); });
//   probes->add("redis", [c = backends->cache] { return c->healthCheck(); },
//               FailureTier::kImportant);                          // without it we still serve
//   probes->setMetrics([metrics] { return metrics->text(); });
//   ProbeAnswer answer = probes->answer("/readyz?verbose&exclude=redis");
//
//   /livez            200, whatever the dependencies do
//   /readyz           200 unless a check fails or the process is about to end
//   /readyz/<check>   the same of one check
//   /healthz          every check as JSON
//   /metrics          what the application counts
//   /statusz          all of this as a page for a person; 503 whenever /readyz is
//
// docs/probes.md tells the rest. It does no I/O of its own: an application with an HTTP server
// gives it targets; for one without there is adapters/probes/probe_server.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/failure_tier.h"
#include "strata/base/health.h"

namespace strata {

struct ProbesOptions {
  // A check is made at most once in so long, however many ask. Negative counts as zero.
  absl::Duration check_interval = absl::Seconds(1);
  // A check that has not answered after so long counts as failed. Negative counts as zero.
  absl::Duration timeout = absl::Seconds(1);
};

struct ProbeAnswer {
  int status = 200;  // of HTTP
  std::string content_type;
  std::string body;
  // To be sent with it, whatever the target.
  std::vector<std::pair<std::string, std::string>> headers = {
      {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
};

// Thread-safe. A check runs on the executor and at most once at a time, so one that hangs keeps one
// of its threads, and nobody who asks waits longer than the timeout.
class Probes {
 public:
  // Called without a lock, on a thread of the executor: it may block. What it throws is a failure that
  // names the type; so is the lack of a thread.
  using Check = std::function<Health()>;

  // `clock` must outlive it. No executor: threads of its own, so that checks that hang hold up
  // nothing else.
  explicit Probes(const ProbesOptions& options = {}, const Clock& clock = Clock::system(),
                  std::shared_ptr<Executor> executor = nullptr);
  // Waits for checks that are running.
  ~Probes();
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;

  // A check of what this process leans on. Where the tier is not kCritical, its failure is a
  // warning: the process still serves.
  //
  // InvalidArgument: the name is not 1 to 64 lower-case letters, digits, '-' and '_', or there is
  // no check. AlreadyExists: one of this name is there.
  absl::Status add(std::string name, Check check, FailureTier tier = FailureTier::kCritical);

  // What /metrics answers, in Prometheus's text format; asked at each call, without a lock, by the
  // thread that asks. 404 without it, 500 where it throws.
  void setMetrics(std::function<std::string()> text);

  // The answer to GET `target`, path and query. For /livez it never waits, for the others at most
  // the timeout. 404: there is no such probe or check.
  ProbeAnswer answer(std::string_view target);

  // The process is about to end: from now on it is not ready, so that nobody sends it more.
  void beginDrain();
  bool draining() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata
