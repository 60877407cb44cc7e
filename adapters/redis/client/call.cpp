#include "adapters/redis/client/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>

#include "src/base/outage.h"
#include "src/base/starved_wait.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

using std::chrono::steady_clock;

// Commands of one flight: enough to make the round trip cheap, few enough that the server turns to
// others in between.
constexpr std::size_t kMostPerFlight = 256;
// A script that has to be told, and a key that moves meanwhile, twice.
constexpr int kMostRounds = 5;

absl::Status annotated(const RedisNode& node, const absl::Status& status) {
  return annotate(status, fmt::format("redis at {}", node.name()));
}

// Sent on a connection that then broke, which a server's restart or its timeout for idle clients
// does as well. Past a timeout nothing is sent twice: the server has enough to do.
bool wasCutOff(const RedisLink::Request& request) {
  return request.was_sent && absl::IsUnavailable(request.refused);
}

// As the server says now, or where it refuses to, as it is known.
absl::StatusOr<RedisServerInfo> whoAnswered(const RedisLink::Request& request, bool tells) {
  if (tells) return whoItIs(request.replies);
  if (!request.refused.ok()) return request.refused;
  return request.server;
}

}  // namespace

// ---- Commands of one key each ----

RedisAnswers RedisCall::ask(std::size_t count, KeyOf key_of, Add add, LifeOf life_of) {
  RedisAnswers answers(count);
  Opens open(count);
  for (std::size_t i = 0; i < count; ++i) open[i].index = i;
  for (int round = 0; round < kMostRounds && !open.empty(); ++round) {
    for (Open& command : open) {
      const std::size_t index = command.index;
      std::optional<RedisAnswer> answer = board(std::move(command), key_of, add, life_of);
      if (answer) answers[index] = *std::move(answer);
    }
    open.clear();
    fly();
    for (Flight& flight : flights_) land(flight, answers, open);
    landed_.splice(landed_.end(), flights_);
  }
  noteServers(absl::MakeSpan(answers));
  return answers;
}

const RedisCall::Unmet* RedisCall::unmet(const RedisNode* node) const {
  const auto found = std::find_if(unmet_.begin(), unmet_.end(),
                                  [&](const Unmet& unmet) { return unmet.node.get() == node; });
  return found == unmet_.end() ? nullptr : &*found;
}

absl::StatusOr<RedisCall::Flight*> RedisCall::flightTo(const std::shared_ptr<RedisNode>& node) {
  const auto waiting = std::find_if(flights_.rbegin(), flights_.rend(), [&](const Flight& flight) {
    return flight.node == node && flight.commands.size() < kMostPerFlight;
  });
  if (waiting != flights_.rend()) return &*waiting;
  if (const Unmet* known = unmet(node.get())) return known->why;
  const bool may_ask = mayAsk(*node);
  absl::Status met = may_ask ? annotated(*node, meet(*node)) : leftAlone(*node);
  if (!met.ok()) {
    unmet_.push_back({node, met, /*is_left_alone=*/!may_ask});
    return met;
  }
  Flight& flight = flights_.emplace_back();
  flight.node = node;
  flight.request.times = times_;
  return &flight;
}

std::optional<RedisAnswer> RedisCall::board(Open open, KeyOf key_of, Add add, LifeOf life_of) {
  if (open.node == nullptr) {
    auto node = router_.route(key_of(open.index), times_);
    if (!node.ok()) return failed(nullptr, node.status());
    open.node = *std::move(node);
  }
  absl::StatusOr<Flight*> flight = flightTo(open.node);
  if (!flight.ok()) return failed(open.node.get(), flight.status());
  RedisLink::Request& request = (*flight)->request;
  const Incarnation wanted = life_of(open.index);
  if (wanted != Incarnation{}) {
    const Incarnation present = request.only_in.value_or(open.node->incarnation());
    if (wanted != present) {
      return failed(nullptr, absl::AbortedError("the server has another incarnation"));
    }
    request.only_in = wanted;
  }
  if (open.asking) request.commands.add({"ASKING"});
  const Dialect dialect{.has_set_nx_get = open.node->hasSetNxGet(), .in_full = open.in_full};
  add(request.commands, open.index, dialect);
  (*flight)->commands.push_back(std::move(open));
  return std::nullopt;
}

void RedisCall::fly() {
  for (Flight& flight : flights_) {
    flight.link = &flight.node->link();
    flight.link->submit(flight.request);
  }
  for (Flight& flight : flights_) flight.link->await(flight.request);
}

void RedisCall::land(Flight& flight, RedisAnswers& answers, Opens& again) {
  std::size_t next = 0;
  for (const Open& command : flight.commands) {
    if (command.asking) ++next;  // the reply to ASKING
    absl::StatusOr<RedisReply>& reply = flight.request.replies[next++];
    if (std::optional<Open> once_more = another(flight, command, reply)) {
      again.push_back(*std::move(once_more));
    }
    answers[command.index] = judge(*flight.node, flight.request.server, reply);
  }
}

std::optional<RedisCall::Open> RedisCall::another(const Flight& flight, const Open& command,
                                                  const absl::StatusOr<RedisReply>& reply) {
  if (reply.ok() && !reply->isError()) return std::nullopt;
  Open open = command;
  if (!reply.ok()) {
    if (!may_repeat_ || command.repeated || !wasCutOff(flight.request)) return std::nullopt;
    open.repeated = true;
    return open;
  }
  if (classifyRedisError(reply->text()).no_script && !command.in_full) {
    open.in_full = true;
    return open;
  }
  const auto redirect = router_.redirect(*flight.node, reply->text());
  if (!redirect) return std::nullopt;
  open.node = redirect->node;
  open.asking = redirect->asking;
  return open;
}

RedisAnswer RedisCall::judge(RedisNode& node, const RedisServerInfo& server,
                             absl::StatusOr<RedisReply>& reply) const {
  if (!reply.ok()) {
    if (!absl::IsAborted(reply.status())) router_.noteUnreachable();
    RedisAnswer none = failed(&node, annotated(node, reply.status()));
    none.incarnation = server.incarnation;
    return none;
  }
  RedisAnswer answer{
      .says = RedisAnswer::Says::kServes, .node = &node, .incarnation = server.incarnation};
  if (!reply->isError()) {
    answer.reply = *std::move(reply);
    return answer;
  }
  const RedisError error = classifyRedisError(reply->text());
  if (error.retire) {
    node.retireAll();
    router_.noteUnreachable();
  }
  // One that only points elsewhere serves what is its own.
  const bool points_on = error.of_cluster && !error.retire;
  if (error.code == absl::StatusCode::kUnavailable && !points_on) {
    answer.says = RedisAnswer::Says::kFails;
  }
  answer.only_reads = error.only_reads;
  answer.forbids_name = error.forbids_name;
  answer.status = annotated(node, statusOf(node, error, reply->text()));
  return answer;
}

// ---- What answers say about servers ----

RedisAnswer RedisCall::failed(RedisNode* node, absl::Status why) const {
  // Neither that a caller was in a hurry nor that this process got no processor tells anything.
  const bool hurried = absl::IsDeadlineExceeded(why) && times_.deadline <= steady_clock::now();
  const bool says_nothing = hurried || isStarved(why) || absl::IsAborted(why);
  RedisAnswer answer{.status = std::move(why), .node = node};
  if (!says_nothing) answer.says = RedisAnswer::Says::kFails;
  return answer;
}

// Its place may have been taken meanwhile: the map of a cluster is asked for as if it had failed.
absl::Status RedisCall::leftAlone(const RedisNode& node) const {
  router_.noteUnreachable();
  return node.refusal();
}

void RedisCall::noteServers(absl::Span<RedisAnswer> answers) const {
  if (!router_.nodeOptions().guard) return;
  using Says = RedisAnswer::Says;
  absl::InlinedVector<const RedisAnswer*, 4> of_each;
  bool any_fails = false;
  for (const RedisAnswer& answer : answers) {
    any_fails |= answer.says == Says::kFails;
    if (answer.node == nullptr || answer.says == Says::kNothing) continue;
    const auto known = std::find_if(of_each.begin(), of_each.end(), [&](const RedisAnswer* other) {
      return other->node == answer.node;
    });
    if (known == of_each.end()) {
      of_each.push_back(&answer);
    } else if (answer.says == Says::kServes) {
      *known = &answer;
    }
  }
  for (const RedisAnswer* answer : of_each) {
    const Unmet* const not_asked = unmet(answer->node);
    if (not_asked != nullptr && not_asked->is_left_alone) continue;
    const bool serves = answer->says == Says::kServes;
    answer->node->noteCall(serves ? absl::OkStatus() : answer->status);
  }
  if (!any_fails || !router_.mostServe()) return;
  for (RedisAnswer& answer : answers) {
    if (answer.says == Says::kFails) answer.status = markOfOneServer(std::move(answer.status));
  }
}

// A cluster's own router has followed redirections already. Any other router sends all keys to one
// server: if that is a node of a cluster, the keys of other nodes always fail.
absl::Status RedisCall::statusOf(RedisNode& node, const RedisError& error,
                                 std::string_view text) const {
  if (!error.of_cluster || router_.only() == nullptr) return redisErrorStatus(text);
  return node.noteIsOfCluster();
}

// ---- Commands for one server ----

absl::Status RedisCall::meet(RedisNode& node) {
  if (node.isKnown()) return absl::OkStatus();
  RedisLink::Request nothing;
  send(node, nothing);
  if (!nothing.refused.ok()) router_.noteUnreachable();
  return nothing.refused;
}

void RedisCall::send(RedisNode& node, RedisLink::Request& request) const {
  request.times = times_;
  RedisLink& link = node.link();
  link.submit(request);
  link.await(request);
}

RedisAnswers RedisCall::ask(RedisNode& node, RedisCommands commands) {
  RedisLink::Request first;
  first.commands = std::move(commands);
  send(node, first);
  RedisLink::Request again;
  const bool repeated = may_repeat_ && wasCutOff(first);
  if (repeated) {
    again.commands = std::move(first.commands);
    send(node, again);
  }
  RedisLink::Request& request = repeated ? again : first;
  RedisAnswers answers;
  answers.reserve(request.replies.size());
  for (auto& reply : request.replies) answers.push_back(judge(node, request.server, reply));
  return answers;
}

absl::StatusOr<RedisAnswers> RedisCall::askMaster(RedisNode& node, RedisCommands commands) {
  if (!mayAsk(node)) {
    const absl::Status refused = leftAlone(node);
    return router_.mostServe() ? markOfOneServer(refused) : refused;
  }
  absl::StatusOr<RedisAnswers> answers = askMasterOnce(node, std::move(commands));
  if (answers.ok()) {
    noteServers(absl::MakeSpan(*answers));
    return answers;
  }
  RedisAnswer none = failed(&node, answers.status());
  noteServers({&none, 1});
  return none.status;
}

absl::StatusOr<RedisAnswers> RedisCall::askMasterOnce(RedisNode& node, RedisCommands commands) {
  if (absl::Status met = meet(node); !met.ok()) return annotated(node, met);
  // What refuses INFO may close the connection at it.
  const bool tells = !node.isBlind();
  const std::size_t asked = commands.count();
  if (tells) addWhoAreYou(commands);
  RedisLink::Request request;
  request.commands = std::move(commands);
  send(node, request);
  absl::StatusOr<RedisServerInfo> info = whoAnswered(request, tells);
  if (info.ok() && info->incarnation != request.server.incarnation) {
    info = absl::UnavailableError("the server has another incarnation by now");
  }
  if (!info.ok()) {
    if (request.refused.ok()) node.retireAll();
    router_.noteUnreachable();
    return annotated(node, info.status());
  }
  RedisAnswers answers;
  for (std::size_t i = 0; i < asked; ++i) {
    answers.push_back(judge(node, request.server, request.replies[i]));
  }
  return answers;
}

absl::Status RedisCall::unexpected(const RedisAnswer& answer) {
  answer.node->retireAll();
  return annotated(*answer.node, absl::InternalError("a reply of another kind than expected"));
}

void addScript(RedisCommands& commands, const RedisCall::Dialect& dialect,
               const RedisScript& script, std::string_view key,
               std::initializer_list<std::string_view> arguments) {
  std::vector<std::string_view> words{dialect.in_full ? "EVAL" : "EVALSHA",
                                      dialect.in_full ? script.source : script.sha, "1", key};
  words.insert(words.end(), arguments);
  commands.add(words);
}

}  // namespace strata::internal
