#include "tests/simulation/world.h"

#include <fmt/format.h>

#include <iterator>

#include "src/cache/cell.h"

namespace strata::simulation {

namespace {

using internal::Cell;

// A cell in a trace: its tag, the number of its nonce, its version.
std::string shown(const std::string& bytes) {
  const std::optional<Cell> cell = Cell::parse(bytes);
  if (!cell) return bytes.size() > 9 ? bytes.substr(0, 1) + std::to_string(bytes[9]) : "?";
  return fmt::format("{}{} epoch {} version {}", static_cast<char>(cell->tag),
                     static_cast<unsigned char>(cell->nonce[8]), cell->epoch,
                     cell->version.value());
}

}  // namespace

// ---- CacheServer ----

CacheServer::Stored* CacheServer::find(const std::string& key) {
  const auto found = cells_.find(key);
  if (found == cells_.end()) return nullptr;
  if (found->second.expires > scheduler_.now()) return &found->second;
  cells_.erase(found);
  return nullptr;
}

LeaseReply CacheServer::getOrLease(const std::string& key, const std::string& cell,
                                   absl::Duration ttl) {
  LeaseReply reply{.incarnation = incarnation()};
  const Stored* const present = find(key);
  scheduler_.tell([&] {
    return fmt::format("cache: {} {}: {}", shown(cell), key,
                       present == nullptr ? "leased" : "found " + shown(present->bytes));
  });
  if (present != nullptr) {
    reply.found = present->bytes;
  } else {
    cells_[key] = {cell, scheduler_.now() + ttl};
    reply.leased = true;
  }
  return reply;
}

bool CacheServer::compareAndSet(const std::string& key, const std::string& expected_prefix,
                                const std::string& value, absl::Duration ttl,
                                Incarnation incarnation) {
  const Stored* const present = find(key);
  scheduler_.tell([&] {
    return fmt::format("cache: {} -> {} {}: present {}", shown(expected_prefix), shown(value), key,
                       present == nullptr ? "nothing" : shown(present->bytes));
  });
  if (present == nullptr || !present->bytes.starts_with(expected_prefix)) return false;
  if (incarnation != Incarnation{} && incarnation != this->incarnation()) return false;
  cells_[key] = {value, scheduler_.now() + ttl};
  return true;
}

void CacheServer::remove(const std::string& key) {
  scheduler_.tell([&] { return "cache: remove " + key; });
  cells_.erase(key);
}

std::optional<std::string> CacheServer::get(const std::string& key) {
  const Stored* const present = find(key);
  return present == nullptr ? std::nullopt : std::optional(present->bytes);
}

std::vector<std::string> CacheServer::keys(const std::string& prefix) const {
  std::vector<std::string> found;
  for (const auto& [key, stored] : cells_) {
    if (key.starts_with(prefix) && stored.expires > scheduler_.now()) found.push_back(key);
  }
  return found;
}

void CacheServer::set(const std::string& key, const std::string& value, absl::Duration ttl) {
  scheduler_.tell([&] { return fmt::format("cache: set {} {}", shown(value), key); });
  cells_[key] = {value, scheduler_.now() + ttl};
}

void CacheServer::evictOne() {
  if (cells_.empty()) return;
  cells_.erase(
      std::next(cells_.begin(), static_cast<std::ptrdiff_t>(scheduler_.below(cells_.size()))));
}

void CacheServer::rollBack() {
  cells_ = snapshot_;
  ++life_;
}

void CacheServer::restartEmpty() {
  cells_.clear();
  ++life_;
}

// ---- Link ----

Link::Outcome Link::call(std::function<void()> execute, absl::Duration timeout, Sent sent) {
  struct Reply {
    bool arrived = false;
  };
  const MonotonicTime until = scheduler_.now() + timeout;
  if (is_cut_) {
    scheduler_.sleepUntil(scheduler_.now() + absl::Milliseconds(1));
    return Outcome::kRefused;
  }
  if (network_.refuses) {
    scheduler_.sleepUntil(scheduler_.now() + scheduler_.upTo(absl::Milliseconds(1)));
    hazards_.note("refused");
    return Outcome::kRefused;
  }
  const auto reply = std::make_shared<Reply>();
  const bool is_lost = scheduler_.chance(network_.lost_requests);
  const bool reply_is_lost = scheduler_.chance(network_.lost_replies);
  absl::Duration delay = scheduler_.upTo(network_.longest_delay);
  if (scheduler_.chance(network_.very_late)) {
    delay += timeout * static_cast<double>(1 + scheduler_.below(20));
    hazards_.note("executed after its sender gave up");
  }
  const MonotonicTime arrives = scheduler_.now() + delay;
  const auto back = scheduler_.upTo(network_.longest_delay);
  if (is_lost) {
    hazards_.note("request lost");
  } else {
    // By then this link may be gone.
    scheduler_.at(arrives, [&scheduler = scheduler_, &hazards = hazards_, execute, reply, back,
                            reply_is_lost] {
      execute();
      if (reply_is_lost) return hazards.note("reply lost");
      scheduler.at(scheduler.now() + back, [reply] { reply->arrived = true; });
    });
    if (sent == Sent::kPerhapsTwice && scheduler_.chance(network_.repeated)) {
      hazards_.note("repeated");
      scheduler_.at(arrives + scheduler_.upTo(timeout * 3), execute);
    }
  }
  while (!reply->arrived && scheduler_.now() < until) scheduler_.waitFor(reply.get(), until);
  return reply->arrived && !is_cut_ ? Outcome::kAnswered : Outcome::kNoAnswer;
}

}  // namespace strata::simulation
