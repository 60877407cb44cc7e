// LocalRedisCluster: Redis nodes that share the slots of a cluster, and the moving of slots between
// them, whole or step by step.
//
//   auto cluster = LocalRedisCluster::start();
//   ASSERT_THAT(cluster, IsOk());
//   auto cache = createCacheClient({.url = (*cluster)->url()});
//   ASSERT_OK_AND_ASSIGN(int slot, (*cluster)->slotOf("key"));
//   ASSERT_OK((*cluster)->beginMove(slot, 2));      // the owner answers ASK for keys it lacks
//   ASSERT_THAT((*cluster)->migrateKeys(slot, 2), IsOk());
//   ASSERT_OK((*cluster)->endMove(slot, 2));        // the old owner answers MOVED
//
// It ends as LocalServers does: with the object, and with the test program, however that ends. Not
// for: production data. Nothing is written durably, so a node that is killed and started again
// before a replica has taken its place comes back with its slots but empty.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/testing/servers/local_redis.h"
#include "strata/testing/servers/test_certificates.h"

namespace strata::testing {

struct LocalRedisClusterOptions {
  // At least 3, or nobody can be outvoted. They share the slots evenly, in order.
  int masters = 3;
  int replicas_per_master = 0;
  // How long a node may be silent until the others think it is gone.
  absl::Duration node_timeout = absl::Seconds(1);
  // Empty: Redis asks for none.
  std::string password = {};
  // More arguments for each node, as in {"--maxmemory", "10mb"}.
  std::vector<std::string> redis_args = {};
  // The nodes speak TLS, to clients and to each other, with the certificates below.
  bool tls = false;
};

// For one thread at a time, but for url(). What the nodes are asked is asked of those that run and
// are not frozen.
class LocalRedisCluster {
 public:
  static constexpr int kSlots = 16384;

  // Returns when every node says that all is well and knows all others; that takes about three
  // seconds. Errors as LocalServers::start.
  static absl::StatusOr<std::unique_ptr<LocalRedisCluster>> start(
      LocalRedisClusterOptions options = {});
  ~LocalRedisCluster();

  // "redis+cluster://127.0.0.1:port,127.0.0.1:port,127.0.0.1:port", with ":password@" before the
  // hosts if there is one, and rediss+cluster if they speak TLS. The ports are those of the masters
  // at the start.
  std::string url() const;
  // Only for one that speaks TLS.
  const TestCertificates& certificates() const { return *certificates_; }

  // First the masters, then the replicas of the first master, of the second, ….
  LocalRedis& node(std::size_t index) { return *nodes_[index]; }
  std::size_t size() const { return nodes_.size(); }

  absl::StatusOr<int> slotOf(const std::string& key);
  // The index of the node that all nodes say serves the slot. Unavailable: they do not agree, at
  // this moment.
  absl::StatusOr<std::size_t> ownerOf(int slot);

  // The three steps of moving a slot from its owner to another master. Internal: what Redis says
  // against it.
  //
  // From now on the owner sends clients on (ASK) for keys that it does not have.
  absl::Status beginMove(int slot, std::size_t to);
  // Moves keys, at most `limit`. Returns how many.
  absl::StatusOr<int> migrateKeys(int slot, std::size_t to,
                                  int limit = std::numeric_limits<int>::max());
  // Makes `to` the owner and returns when all nodes say so; from now on the others answer MOVED.
  // FailedPrecondition: there are keys left. DeadlineExceeded: the nodes do not agree.
  absl::Status endMove(int slot, std::size_t to);
  // All three.
  absl::Status moveSlot(int slot, std::size_t to);

  // Makes a replica of the slot's owner the owner, in order, and returns its index.
  // FailedPrecondition: there is no replica that runs.
  absl::StatusOr<std::size_t> failOver(int slot, absl::Duration timeout = absl::Seconds(60));
  // Waits until all nodes agree that another node serves the slot, as after kill() or freeze().
  // DeadlineExceeded: they do not.
  absl::StatusOr<std::size_t> awaitOwnerOtherThan(int slot, std::size_t node,
                                                  absl::Duration timeout = absl::Seconds(60));

 private:
  LocalRedisCluster(std::unique_ptr<internal::Guard> guard, LocalRedisClusterOptions options);
  std::size_t masters() const { return static_cast<std::size_t>(options_.masters); }
  absl::Status startNodes();
  absl::Status assignSlots();
  absl::Status introduce();
  absl::Status addReplicas();
  absl::Status awaitReady();
  bool knowsAll(std::size_t index);
  bool isReady(std::size_t index);
  bool allAreOk();
  absl::StatusOr<std::size_t> indexOf(const std::string& id) const;
  absl::StatusOr<std::size_t> replicaOf(std::size_t master);

  LocalRedisClusterOptions options_;
  // Before the nodes, so that it outlives them.
  std::unique_ptr<internal::Guard> guard_;
  std::optional<TestCertificates> certificates_;
  std::vector<std::unique_ptr<LocalRedis>> nodes_;
  // Under which they know each other.
  std::vector<std::string> ids_;
};

}  // namespace strata::testing
