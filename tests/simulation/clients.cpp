#include "tests/simulation/clients.h"

#include <fmt/format.h>

#include <type_traits>
#include <utility>

#include "src/base/mutants.h"

namespace strata::simulation {
namespace {

constexpr absl::Duration kCacheTimeout = absl::Milliseconds(50);
constexpr absl::Duration kDatabaseTimeout = absl::Milliseconds(500);

template <typename T>
std::vector<absl::StatusOr<T>> toAll(std::size_t count, const absl::Status& status) {
  return std::vector<absl::StatusOr<T>>(count, status);
}

template <typename R>
R rowOf(const std::string& key, std::int64_t number) {
  if constexpr (std::is_same_v<R, NewerRow>) {
    return {key, number, 2 * number};
  } else {
    return {key, number};
  }
}

absl::StatusOr<Snapshot<Row>> asRow(const absl::StatusOr<Snapshot<NewerRow>>& found) {
  if (!found.ok()) return found.status();
  if (*found == nullptr) return Snapshot<Row>();
  const NewerRow& row = **found;
  const std::int64_t number = row.twice == 2 * row.number ? row.number : NewerRows::kMadeUp;
  return makeSnapshot(Row{row.key, number}, found->version());
}

}  // namespace

// ---- SimulatedCache ----

absl::Status SimulatedCache::send(std::function<void()> execute, Link::Sent sent) {
  switch (link_.call(std::move(execute), kCacheTimeout, sent)) {
    case Link::Outcome::kAnswered:
      return absl::OkStatus();
    case Link::Outcome::kRefused:
      return absl::UnavailableError("connection refused");
    case Link::Outcome::kNoAnswer:
      return absl::DeadlineExceededError("no answer in time");
  }
  return absl::OkStatus();
}

std::vector<absl::StatusOr<LeaseReply>> SimulatedCache::getOrLease(
    absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline /*deadline*/) {
  struct Exchange {
    std::vector<std::pair<std::string, std::string>> requests;
    std::vector<LeaseReply> replies;
  };
  const auto exchange = std::make_shared<Exchange>();
  for (const LeaseRequest& request : requests) {
    exchange->requests.emplace_back(request.key, request.cell);
  }
  const auto execute = [server = server_, exchange, ttl] {
    // A repetition's replies go to nobody.
    std::vector<LeaseReply> replies;
    for (const auto& [key, cell] : exchange->requests) {
      replies.push_back(server->getOrLease(key, cell, ttl));
    }
    if (exchange->replies.empty()) exchange->replies = std::move(replies);
  };
  const bool twice = internal::isAlive(internal::Mutant::kLeaseSentTwice);
  const absl::Status sent = send(execute, twice ? Link::Sent::kPerhapsTwice : Link::Sent::kOnce);
  if (!sent.ok()) return toAll<LeaseReply>(requests.size(), sent);
  known_ = exchange->replies.front().incarnation;
  return {exchange->replies.begin(), exchange->replies.end()};
}

std::vector<absl::StatusOr<bool>> SimulatedCache::compareAndSet(
    absl::Span<const CompareAndSet> requests, Deadline /*deadline*/) {
  struct Command {
    std::string key;
    std::string expected;
    std::string value;
    absl::Duration ttl;
    Incarnation incarnation;
  };
  struct Exchange {
    std::vector<Command> commands;
    std::vector<bool> replies;
  };
  const auto exchange = std::make_shared<Exchange>();
  for (const CompareAndSet& request : requests) {
    exchange->commands.push_back({std::string(request.key), std::string(request.expected_prefix),
                                  std::string(request.value), request.ttl, request.incarnation});
  }
  const absl::Status sent = send([server = server_, exchange] {
    std::vector<bool> replies;
    for (const Command& command : exchange->commands) {
      replies.push_back(server->compareAndSet(command.key, command.expected, command.value,
                                              command.ttl, command.incarnation));
    }
    if (exchange->replies.empty()) exchange->replies = std::move(replies);
  });
  if (!sent.ok()) return toAll<bool>(requests.size(), sent);
  return {exchange->replies.begin(), exchange->replies.end()};
}

absl::Status SimulatedCache::remove(absl::Span<const std::string> keys, Deadline /*deadline*/) {
  const auto execute = [server = server_,
                        owned = std::vector<std::string>(keys.begin(), keys.end())] {
    for (const std::string& key : owned) server->remove(key);
  };
  if (internal::isAlive(internal::Mutant::kDoubleDelete)) {
    scheduler_.at(scheduler_.now() + absl::Milliseconds(50), execute);
  }
  return send(execute);
}

absl::StatusOr<KeyPage> SimulatedCache::scan(std::string_view prefix, const std::string& /*cursor*/,
                                             Deadline /*deadline*/) {
  const auto page = std::make_shared<KeyPage>();
  const absl::Status sent = send(
      [server = server_, page, owned = std::string(prefix)] { page->keys = server->keys(owned); });
  if (!sent.ok()) return sent;
  return *page;
}

absl::Status SimulatedCache::ping(Deadline /*deadline*/) {
  const auto life = std::make_shared<Incarnation>();
  absl::Status sent = send([server = server_, life] { *life = server->incarnation(); });
  if (sent.ok()) known_ = *life;
  return sent;
}

std::vector<absl::StatusOr<std::optional<std::string>>> SimulatedCache::getMany(
    absl::Span<const std::string> keys, Deadline /*deadline*/) {
  const auto found = std::make_shared<std::vector<std::optional<std::string>>>();
  const absl::Status sent =
      send([server = server_, found, owned = std::vector<std::string>(keys.begin(), keys.end())] {
        if (!found->empty()) return;
        for (const std::string& key : owned) found->push_back(server->get(key));
      });
  if (!sent.ok()) return toAll<std::optional<std::string>>(keys.size(), sent);
  return {found->begin(), found->end()};
}

absl::Status SimulatedCache::set(const std::string& key, std::string_view value, absl::Duration ttl,
                                 Deadline /*deadline*/) {
  return send(
      [server = server_, key, bytes = std::string(value), ttl] { server->set(key, bytes, ttl); });
}

Health SimulatedCache::healthCheck() { return {.component = "cache", .backend = "simulated"}; }

// ---- SimulatedStore ----

template <typename R>
absl::StatusOr<Snapshot<R>> SimulatedStore<R>::get(const Id& id, const ReadOptions& options) {
  return std::move(getMany({&id, 1}, options).front());
}

template <typename R>
Snapshots<R> SimulatedStore<R>::getMany(absl::Span<const Id> ids, const ReadOptions& /*options*/) {
  std::vector<std::string> keys;
  for (const Id& id : ids) keys.push_back(id.segments().front());
  const auto states = std::make_shared<std::vector<Database::State>>();
  const auto outcome = link_.call(
      [database = database_, keys, states] {
        if (!states->empty()) return;
        for (const std::string& key : keys) states->push_back(database->present(key));
      },
      kDatabaseTimeout);
  if (outcome != Link::Outcome::kAnswered) {
    return Snapshots<R>(ids.size(), absl::UnavailableError("the database did not answer"));
  }
  Snapshots<R> rows;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Database::State& state = (*states)[i];
    if (state.number) {
      rows.emplace_back(makeSnapshot(rowOf<R>(keys[i], *state.number), Version(state.version)));
    } else {
      rows.emplace_back(Snapshot<R>());
    }
  }
  return rows;
}

template <typename R>
absl::StatusOr<Version> SimulatedStore<R>::put(const R& row, const WriteOptions& /*options*/) {
  return write(row.key, row.number);
}

template <typename R>
absl::StatusOr<Version> SimulatedStore<R>::remove(const Id& id, const WriteOptions& /*options*/) {
  return write(id.segments().front(), std::nullopt);
}

template <typename R>
absl::StatusOr<Version> SimulatedStore<R>::write(const std::string& key,
                                                 std::optional<std::int64_t> number) {
  const auto version = std::make_shared<std::int64_t>(0);
  const auto outcome = link_.call(
      [database = database_, &scheduler = scheduler_, key, number, version] {
        // A statement is executed once, however often the network repeats its packets.
        if (*version != 0) return;
        *version = database->write(key, number, scheduler.now());
        scheduler.tell([&] { return fmt::format("database: {} is {}", key, *version); });
      },
      kDatabaseTimeout);
  switch (outcome) {
    case Link::Outcome::kAnswered:
      return Version(*version);
    case Link::Outcome::kRefused:
      return absl::UnavailableError("connection refused");
    case Link::Outcome::kNoAnswer:
      break;
  }
  return absl::UnknownError("the connection was lost");
}

template class SimulatedStore<Row>;
template class SimulatedStore<NewerRow>;

// ---- NewerRows ----

absl::StatusOr<Snapshot<Row>> NewerRows::get(const Id& id, const ReadOptions& options) {
  return asRow(rows_->get(id, options));
}

Snapshots<Row> NewerRows::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  Snapshots<Row> rows;
  for (const auto& found : rows_->getMany(ids, options)) rows.push_back(asRow(found));
  return rows;
}

absl::StatusOr<Version> NewerRows::put(const Row& row, const WriteOptions& options) {
  return rows_->put(rowOf<NewerRow>(row.key, row.number), options);
}

}  // namespace strata::simulation
