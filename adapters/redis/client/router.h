#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/redis/client/node.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// Where another server than the one that was asked has a key.
struct RedisRedirect {
  std::shared_ptr<RedisNode> node;
  // It is only there for this one question (ASK), which has to be announced.
  bool asking = false;
};

// Which server a key is on. Thread-safe.
class RedisRouter {
 public:
  virtual ~RedisRouter() = default;

  // Unavailable, DeadlineExceeded: the map of a cluster is not known and cannot be asked for.
  virtual absl::StatusOr<std::shared_ptr<RedisNode>> route(std::string_view key,
                                                           const RedisTimes& times) = 0;
  // The one server of a deployment that has no other; null for a cluster, where commands of several
  // keys have to be taken apart.
  virtual std::shared_ptr<RedisNode> only() const = 0;
  // Every master.
  virtual absl::StatusOr<std::vector<std::shared_ptr<RedisNode>>> all(const RedisTimes& times) = 0;

  // Where an error reply of `from` points to; none where it points nowhere.
  virtual std::optional<RedisRedirect> redirect(const RedisNode& from, std::string_view error) = 0;
  // A server could not be reached: its place may have been taken.
  virtual void noteUnreachable() = 0;
  // Whether more than half of several servers with a circuit breaker each served when they were last
  // asked. So the failure of another one is that of its keys alone.
  virtual bool mostServe() const = 0;

  // How each of them is connected to.
  virtual const RedisNodeOptions& nodeOptions() const = 0;

  // Without I/O.
  virtual Incarnation incarnation(std::string_view key) const = 0;
  virtual bool isBlind() const = 0;
};

// One server, or a master among several, or one that sentinels know.
class RedisSingleRouter : public RedisRouter {
 public:
  explicit RedisSingleRouter(std::shared_ptr<RedisNode> node) : node_(std::move(node)) {}

  absl::StatusOr<std::shared_ptr<RedisNode>> route(std::string_view /*key*/,
                                                   const RedisTimes& /*times*/) override {
    return node_;
  }
  std::shared_ptr<RedisNode> only() const override { return node_; }
  absl::StatusOr<std::vector<std::shared_ptr<RedisNode>>> all(
      const RedisTimes& /*times*/) override {
    return std::vector{node_};
  }
  std::optional<RedisRedirect> redirect(const RedisNode& /*from*/,
                                        std::string_view /*error*/) override {
    return std::nullopt;
  }
  void noteUnreachable() override {}
  bool mostServe() const override { return false; }
  const RedisNodeOptions& nodeOptions() const override { return node_->options(); }
  Incarnation incarnation(std::string_view /*key*/) const override { return node_->incarnation(); }
  bool isBlind() const override { return node_->isBlind(); }

 private:
  const std::shared_ptr<RedisNode> node_;
};

}  // namespace strata::internal
