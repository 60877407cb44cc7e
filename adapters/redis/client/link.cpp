#include "adapters/redis/client/link.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "adapters/redis/client/node.h"
#include "src/base/fork.h"

namespace strata::internal {
namespace {

using std::chrono::steady_clock;

// A look at an idle socket is a system call; a busy one is spared it.
constexpr std::chrono::milliseconds kSurelyAlive(1);
// Of one send: enough for any number of small commands, and no long work for others.
constexpr std::size_t kMostGathered = 256 * 1024;

absl::Status outcomeUnknown(std::string why) {
  return absl::UnavailableError(why + "; whether it was executed is unknown");
}

absl::Status noAnswer() { return absl::DeadlineExceededError("no answer in time"); }

// `status` with the mark of `cause`, if it has one.
absl::Status markedLike(const absl::Status& cause, absl::Status status) {
  return isStarved(cause) ? markStarved(std::move(status)) : status;
}

}  // namespace

// ---- Callers ----

void RedisLink::submit(Request& request) {
  load_.fetch_add(1, std::memory_order_relaxed);
  request.replies.reserve(request.commands.count());
  request.until_ = std::min(request.times.deadline, request.times.expires);
  if (!isOpen()) {
    request.until_ =
        std::min(request.times.deadline, request.times.expires + node_.options().connect_timeout);
  }
  absl::Status fit;
  {
    const std::lock_guard lock(mutex_);
    request.group_ = group_;
    waiting_.push_back(&request);
    if (!takeTheLead(request)) return;
    if (connection_ == nullptr) return;
    fit = fitness(request.times.started);
    request.is_alone_ = sent_.empty();
    if (fit.ok()) gather(request.times.started);
  }
  used_at_ = request.times.started;
  if (!fit.ok()) return breakOff(fit, request.times.started);
  sendGathered(request);
}

void RedisLink::await(Request& request) {
  if (!request.leads_) waitInLine(request);
  if (request.leads_) lead(request);
  load_.fetch_sub(1, std::memory_order_relaxed);
}

void RedisLink::waitInLine(Request& request) {
  while (true) {
    const std::uint32_t seen = events_.count();
    if (request.done_.load(std::memory_order_acquire)) return;
    if (!is_led_.load(std::memory_order_acquire)) {
      const std::lock_guard lock(mutex_);
      if (takeTheLead(request)) return;
    }
    if (!events_.wait(seen, request.group_, request.until_) && endsWait(request)) return;
  }
}

bool RedisLink::endsWait(Request& request) {
  const std::lock_guard lock(mutex_);
  // One that is offered the lead in its last moment takes it, and passes it on.
  if (request.done_.load(std::memory_order_acquire) || takeTheLead(request)) return true;
  const IoTime now = steady_clock::now();
  const bool is_starved = leaderIsStarved(now);
  if (limitOf(request) > now || (is_starved ? repeats(request, now) : lingers(request, now))) {
    request.until_ = limitOf(request);
    return false;
  }
  const bool says_nothing = is_starved && request.times.deadline > now;
  giveUp(request, says_nothing ? markStarved(noAnswer()) : noAnswer());
  return true;
}

bool RedisLink::repeats(Request& request, IoTime now) const {
  if (request.times.deadline <= now) return false;
  noteStarvedWait("redis_command");
  if (std::exchange(request.repeated_, true)) return false;
  request.times.expires = now + node_.options().command_timeout;
  return true;
}

bool RedisLink::lingers(Request& request, IoTime now) const {
  if (request.times.deadline <= now || std::exchange(request.lingers_, true)) return false;
  request.times.expires = now + toleratedDelay(node_.options().command_timeout);
  return true;
}

bool RedisLink::leaderIsStarved(IoTime now) const {
  if (connection_ == nullptr || sent_.empty()) return false;
  const auto tolerated = toleratedDelay(node_.options().command_timeout);
  return now - sent_.front().expires >= tolerated || connection_->hasArrived();
}

bool RedisLink::takeTheLead(Request& request) {
  if (is_led_.load(std::memory_order_relaxed)) return false;
  if (request.done_.load(std::memory_order_relaxed)) return false;
  is_led_.store(true, std::memory_order_relaxed);
  request.leads_ = true;
  return true;
}

void RedisLink::retire() {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr) return;
  is_retired_ = true;
  connection_->shutdown();
}

void RedisLink::resetInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  abandon(mutex_);
  waiting_.clear();
  sent_.clear();
  outgoing_.clear();
  received_.clear();
  next_expiry_ = IoTime::max();
  used_at_ = {};  // so that the next caller looks at the connection, and replaces it
  load_.store(0, std::memory_order_relaxed);
  is_led_.store(false, std::memory_order_relaxed);
}

// ---- The leader ----

void RedisLink::lead(Request& request) {
  while (!request.done_.load(std::memory_order_relaxed)) {
    if (connection_ == nullptr) {
      wakeDone();  // those whose connection broke need not wait for the next one
      connectFor(request);
      continue;
    }
    if (!request.was_sent) {
      {
        const std::lock_guard lock(mutex_);
        gather(steady_clock::now());
      }
      sendGathered(request);
      if (request.done_.load(std::memory_order_relaxed)) break;
    }
    receiveFor(request);
    if (!request.done_.load(std::memory_order_relaxed)) wakeDone();
  }
  passTheLead();
}

IoTime RedisLink::limitOf(const Request& request) const {
  const IoTime fresh = renewed_at_ + node_.options().command_timeout;
  return std::min(request.times.deadline, std::max(request.times.expires, fresh));
}

absl::Status RedisLink::fitness(IoTime now) {
  if (is_retired_) return outcomeUnknown("the server was replaced");
  if (!sent_.empty()) {
    // A caller that gave up does not read its answer, so it may lie in the socket.
    return sent_.front().expires > now || connection_->hasArrived()
               ? absl::OkStatus()
               : outcomeUnknown("an earlier command got no answer");
  }
  const auto idle = now - used_at_;
  if (idle < kSurelyAlive) return absl::OkStatus();
  if (idle > node_.options().idle_timeout) return absl::UnavailableError("idle for long");
  return connection_->isQuiet() ? absl::OkStatus() : absl::UnavailableError("closed while idle");
}

void RedisLink::connectFor(Request& request) {
  absl::StatusOr<std::unique_ptr<RedisConnection>> made = node_.connect(request.times);
  const IoTime now = steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    // A connection that met another incarnation meanwhile could not retire what was not here yet.
    if (made.ok() && (*made)->server().incarnation != node_.incarnation()) {
      made = absl::UnavailableError("the server was replaced while connecting");
    }
    if (!made.ok()) {
      std::erase(waiting_, &request);
      return fail(request, made.status());
    }
    connection_ = *std::move(made);
    has_answered_ = false;
    is_retired_ = false;
    renewed_at_ = used_at_ = now;
    gather(now);
  }
  is_open_.store(true, std::memory_order_relaxed);
  sendGathered(request);
}

void RedisLink::gather(IoTime now) {
  const std::chrono::nanoseconds timeout = node_.options().command_timeout;
  if (!waiting_.empty()) ++group_;
  while (!waiting_.empty() && outgoing_.size() < kMostGathered) {
    Request& request = *waiting_.front();
    waiting_.pop_front();
    request.server = connection_->server();
    if (request.only_in && *request.only_in != request.server.incarnation) {
      fail(request, absl::AbortedError("the server has another incarnation"));
      continue;
    }
    if (request.commands.count() == 0) {
      finish(request);
      continue;
    }
    request.was_sent = true;
    outgoing_ += request.commands.bytes();
    // The server's time begins now. So does the caller's, where the leader was held up for long.
    const IoTime expires = now + timeout;
    if (expires - request.times.expires > toleratedDelay(timeout)) request.times.expires = expires;
    sent_.push_back({&request, request.commands.count(), expires});
  }
  next_expiry_ = sent_.empty() ? IoTime::max() : sent_.front().expires;
}

void RedisLink::sendGathered(const Request& request) {
  if (outgoing_.empty()) return;
  // What cannot be sent now is kept and sent while waiting for replies; and a connection that is
  // broken may still hold the reason why.
  connection_->send(outgoing_, limitOf(request)).IgnoreError();
  explicit_bzero(outgoing_.data(), outgoing_.size());
  outgoing_.clear();
}

void RedisLink::receiveFor(Request& request) {
  const IoTime limit = limitOf(request);
  const IoTime until = std::min(limit, next_expiry_);
  absl::Status received;
  if (connection_->hasUnsent()) received = connection_->flush(until);
  if (received.ok()) {
    const bool patiently = request.is_alone_ && until >= request.times.expires;
    received = patiently ? connection_->receivePatiently() : connection_->receive(until);
  }
  if (received.ok()) received = handOut();
  if (received.ok()) {
    sendGathered(request);
    if (request.done_.load(std::memory_order_relaxed)) return;
    const IoTime now = steady_clock::now();
    if (now < until) return;
    request.is_alone_ = false;  // to look on is not to wait
    if (now < until + mayLookOn(request, until)) return;
    received = noAnswer();
  }
  const IoTime now = steady_clock::now();
  if (!absl::IsDeadlineExceeded(received)) return breakOff(received, now);
  if (repeatsWait(until, now)) return;
  if (next_expiry_ <= now) return breakOff(wait_.judge(received), now);
  if (limit > now || lingers(request, now)) return;
  const std::lock_guard lock(mutex_);
  giveUp(request, noAnswer());
}

// The answer may have arrived behind others. But a reply that trickles in must not keep anybody
// much longer than one that does not come.
std::chrono::nanoseconds RedisLink::mayLookOn(const Request& request, IoTime until) const {
  constexpr std::chrono::milliseconds kLastLook(10);
  return until < request.times.deadline ? toleratedDelay(node_.options().command_timeout)
                                        : kLastLook;
}

bool RedisLink::repeatsWait(IoTime until, IoTime now) {
  const std::chrono::nanoseconds timeout = node_.options().command_timeout;
  if (next_expiry_ > now) return false;  // the time that is out is only the caller's
  if (!wait_.repeats({.until = until, .timeout = timeout, .now = now})) return false;
  const std::lock_guard lock(mutex_);
  renewed_at_ = now;
  for (Sent& sent : sent_) sent.expires = std::max(sent.expires, now + timeout);
  next_expiry_ = sent_.front().expires;
  return true;
}

absl::Status RedisLink::handOut() {
  while (true) {
    absl::StatusOr<std::optional<RedisReply>> reply = connection_->nextReply();
    if (!reply.ok()) return reply.status();
    if (!*reply) break;
    received_.push_back(*std::move(*reply));
  }
  absl::Status given;
  {
    const std::lock_guard lock(mutex_);
    given = giveReplies();
    if (given.ok()) gather(waiting_.empty() ? IoTime{} : steady_clock::now());
  }
  if (given.ok() && !received_.empty()) {
    wait_.answered();
    if (!std::exchange(has_answered_, true)) node_.noteUseful();
  }
  received_.clear();
  connection_->wipe();
  return given;
}

absl::Status RedisLink::giveReplies() {
  for (RedisReply& reply : received_) {
    if (sent_.empty()) return absl::UnavailableError("the server answered more than it was asked");
    Sent& first = sent_.front();
    if (first.request != nullptr) first.request->replies.emplace_back(std::move(reply));
    if (--first.remaining > 0) continue;
    if (first.request != nullptr) finish(*first.request);
    sent_.pop_front();
  }
  if (sent_.empty() && connection_->hasLeftovers()) {
    return absl::UnavailableError("the server answered more than it was asked");
  }
  return absl::OkStatus();
}

void RedisLink::breakOff(const absl::Status& status, IoTime now) {
  std::unique_ptr<RedisConnection> closing;
  bool was_useless = false;
  {
    const std::lock_guard lock(mutex_);
    was_useless = !sent_.empty() && !has_answered_ && !is_retired_;
    const absl::Status why =
        is_retired_ ? absl::UnavailableError("the server was replaced") : status;
    for (const Sent& sent : std::exchange(sent_, {})) {
      if (sent.request == nullptr) continue;
      const bool expired = sent.expires <= now;
      fail(*sent.request,
           markedLike(status, expired ? noAnswer() : outcomeUnknown(std::string(why.message()))));
    }
    closing = std::move(connection_);
    is_retired_ = false;
    next_expiry_ = IoTime::max();
  }
  is_open_.store(false, std::memory_order_relaxed);
  outgoing_.clear();
  if (was_useless && !isStarved(status)) node_.noteUseless(status);
}

const RedisLink::Request* RedisLink::firstInLine() const {
  for (const Sent& sent : sent_) {
    if (sent.request != nullptr) return sent.request;
  }
  return waiting_.empty() ? nullptr : waiting_.front();
}

void RedisLink::passTheLead() {
  EventCount::Groups next = 0;
  EventCount::Groups done = 0;
  {
    const std::lock_guard lock(mutex_);
    done = std::exchange(done_groups_, 0);
    if (const Request* first = firstInLine()) next = EventCount::only(first->group_);
    is_led_.store(false, std::memory_order_release);
    // From here on what is the leader's may be another one's.
  }
  // The next leader first: the server should not wait for those who only go home.
  if (next != 0) events_.wakeOne(next);
  if (done != 0) events_.wakeAll(done);
}

void RedisLink::wakeDone() {
  const EventCount::Groups done = std::exchange(done_groups_, 0);
  if (done != 0) events_.wakeAll(done);
}

// ---- Requests ----

void RedisLink::finish(Request& request) {
  if (!request.leads_) done_groups_ |= EventCount::only(request.group_);
  request.done_.store(true, std::memory_order_release);
}

void RedisLink::fail(Request& request, absl::Status status) {
  while (request.replies.size() < request.commands.count()) request.replies.emplace_back(status);
  request.refused = std::move(status);
  finish(request);
}

void RedisLink::giveUp(Request& request, const absl::Status& late) {
  std::erase(waiting_, &request);
  for (Sent& sent : sent_) {
    if (sent.request == &request) sent.request = nullptr;
  }
  request.refused = late;
  while (request.replies.size() < request.commands.count()) request.replies.emplace_back(late);
  request.done_.store(true, std::memory_order_relaxed);  // which is for this very thread
}

}  // namespace strata::internal
