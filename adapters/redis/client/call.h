#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/redis/client/router.h"
#include "adapters/redis/wire/command.h"
#include "adapters/redis_dialect/errors.h"
#include "adapters/redis_dialect/scripts.h"

namespace strata::internal {

// What came of one command.
struct RedisAnswer {
  // Ok when there is a reply that is no error. Aborted: the server has another incarnation than wanted.
  absl::Status status;
  std::optional<RedisReply> reply;
  // Whether the error was that nothing can be stored now, though reading works.
  bool only_reads = false;
  // Whether an ACL forbids the key or the channel, and not the command.
  bool forbids_name = false;
  // What it says about the server that was asked: that it serves, whatever it answered, or that it
  // does not, because there is no answer or it says so.
  enum class Says : std::uint8_t { kNothing, kServes, kFails };
  Says says = Says::kNothing;
  // The server that answered, which lives as long as the call, and its life then.
  RedisNode* node = nullptr;
  Incarnation incarnation;
};

// Most calls are of one command.
using RedisAnswers = absl::InlinedVector<RedisAnswer, 1>;

// One call of a cache: its commands, where they go, and until when it may take. For one thread.
// Every status it gives names the server.
//
// Where each server has a circuit breaker, nothing is sent to one whose breaker is open, and what
// comes of a call counts for it: once for each server, as a success if the server answered any of its
// commands. A failure while most servers serve has the mark of outage.h.
class RedisCall {
 public:
  // How to say it to the server at hand.
  struct Dialect {
    bool has_set_nx_get = false;
    // Scripts in full, for the server does not know them by name.
    bool in_full = false;
  };
  using KeyOf = absl::FunctionRef<std::string_view(std::size_t)>;
  using Add = absl::FunctionRef<void(RedisCommands&, std::size_t, const Dialect&)>;
  // The life of the server that a command is for; zero: any.
  using LifeOf = absl::FunctionRef<Incarnation(std::size_t)>;

  // `may_repeat`: whether its commands do no harm when they are executed twice, so that they can be
  // sent again when the server has closed the connection.
  RedisCall(RedisRouter& router, const RedisTimes& times, bool may_repeat = true)
      : router_(router), times_(times), may_repeat_(may_repeat) {}

  // The answers to `count` commands of one key each: `add` makes the i-th, about `key_of(i)`. They
  // go to the servers that the keys are on, one round trip for all; once more where a server points
  // to another one, does not know a script, or has closed the connection.
  RedisAnswers ask(std::size_t count, KeyOf key_of, Add add, LifeOf life_of = anyLife);

  // The answers to commands for one server.
  RedisAnswers ask(RedisNode& node, RedisCommands commands);
  // The same, but ok only if it was the same life of the same master still after the commands;
  // otherwise its connections are closed. A server that refuses INFO is taken to be unchanged.
  absl::StatusOr<RedisAnswers> askMaster(RedisNode& node, RedisCommands commands);
  // Learns what a server can do, if nobody has yet.
  absl::Status meet(RedisNode& node);

  // For an answer of a kind that no server gives to what was asked: the connections are out of
  // step.
  static absl::Status unexpected(const RedisAnswer& answer);

 private:
  static Incarnation anyLife(std::size_t /*command*/) { return {}; }

  // A command that has no final answer yet.
  struct Open {
    std::size_t index;
    std::shared_ptr<RedisNode> node;  // null: wherever its key is
    bool asking = false;
    bool in_full = false;
    bool repeated = false;
  };
  using Opens = absl::InlinedVector<Open, 1>;
  // Commands that go to one link together.
  struct Flight {
    std::shared_ptr<RedisNode> node;
    RedisLink* link;
    RedisLink::Request request;
    Opens commands;
  };

  // A server that gets nothing more in this call, and why.
  struct Unmet {
    std::shared_ptr<RedisNode> node;
    absl::Status why;
    // Its breaker is open, so that it was not asked.
    bool is_left_alone = false;
  };

  absl::StatusOr<Flight*> flightTo(const std::shared_ptr<RedisNode>& node);
  const Unmet* unmet(const RedisNode* node) const;
  // The answer, if it is one already.
  std::optional<RedisAnswer> board(Open open, KeyOf key_of, Add add, LifeOf life_of);
  void fly();
  void land(Flight& flight, RedisAnswers& answers, Opens& again);
  // The command with what it takes to get another answer; none where this one is final.
  std::optional<Open> another(const Flight& flight, const Open& command,
                              const absl::StatusOr<RedisReply>& reply);
  // Waits for what becomes of it.
  void send(RedisNode& node, RedisLink::Request& request) const;
  absl::StatusOr<RedisAnswers> askMasterOnce(RedisNode& node, RedisCommands commands);
  RedisAnswer judge(RedisNode& node, const RedisServerInfo& server,
                    absl::StatusOr<RedisReply>& reply) const;
  // The answer of a server from which none has come.
  RedisAnswer failed(RedisNode* node, absl::Status why) const;
  absl::Status leftAlone(const RedisNode& node) const;
  bool mayAsk(const RedisNode& node) const { return times_.probes || node.allows(); }
  // Tells the breakers of the servers, and marks what failed.
  void noteServers(absl::Span<RedisAnswer> answers) const;
  absl::Status statusOf(RedisNode& node, const RedisError& error, std::string_view text) const;

  RedisRouter& router_;
  const RedisTimes times_;
  const bool may_repeat_;
  // Those under way, and after them the earlier ones: their nodes are to live on.
  std::list<Flight> flights_;
  std::list<Flight> landed_;
  std::vector<Unmet> unmet_;
};

// Adds a call of `script` on one key.
void addScript(RedisCommands& commands, const RedisCall::Dialect& dialect,
               const RedisScript& script, std::string_view key,
               std::initializer_list<std::string_view> arguments);

}  // namespace strata::internal
