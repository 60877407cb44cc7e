// Rig: the servers of a run, a stretch of network from every client process to each of them, and
// the processes themselves.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/servers/tcp_proxy.h"
#include "tests/chaos/checker.h"
#include "tests/chaos/control.h"
#include "tests/chaos/zygote.h"

namespace strata::chaos {

// Ends the run where what it stands on fails: that is no verdict on anything.
void require(const absl::Status& status, const char* what);

// For one thread.
class Rig {
 public:
  Rig(Control& control, Zygote& zygote);

  Control& control() { return control_; }
  testing::LocalRedis& redis() { return servers_->redis(); }
  testing::LocalPostgres& postgres() { return servers_->postgres(); }
  testing::TcpProxy& redisLink(std::size_t slot) { return *redis_links_[slot]; }
  testing::TcpProxy& databaseLink(std::size_t slot) { return *database_links_[slot]; }
  Zygote& zygote() { return zygote_; }

  void startClient(std::size_t slot);
  // SIGKILL. Says on stderr and remembers if it had ended by itself.
  void killClient(std::size_t slot);
  bool clientsAreReady() const;
  bool clientsAreParked() const;
  // Whether all of them are there and none ever ended by itself.
  bool clientsLive();
  void endClients();
  bool clientFailed() const { return client_failed_; }

  HazardCounts hazards() const;
  HazardCounts hazardsOf(std::size_t slot) const;

  // What the table holds, and what its trigger has written down since the last time.
  std::vector<Commit> rows();
  std::vector<Commit> takeAudit();

 private:
  void makeTables();
  void noteEnd(std::size_t slot, int status);

  Control& control_;
  Zygote& zygote_;
  std::unique_ptr<testing::LocalServers> servers_;
  std::vector<std::unique_ptr<testing::TcpProxy>> redis_links_;
  std::vector<std::unique_ptr<testing::TcpProxy>> database_links_;
  bool client_failed_ = false;
};

}  // namespace strata::chaos
