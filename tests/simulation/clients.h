// What a process of a simulation is made of, in place of RedisCache and PostgresStore.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/records/entity.h"
#include "strata/store/store.h"
#include "tests/simulation/world.h"

namespace strata::simulation {

struct Row {
  std::string key;
  std::int64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(Row, (), (key, number))

// As a later binary describes the same rows.
struct NewerRow {
  std::string key;
  std::int64_t number = 0;
  std::int64_t twice = 0;
};
BOOST_DESCRIBE_STRUCT(NewerRow, (), (key, number, twice))

}  // namespace strata::simulation

template <>
struct strata::Entity<strata::simulation::Row> {
  static constexpr auto table = "rows";
  static constexpr KeySpace keys{"simulation", "row"};
  static std::string id(const strata::simulation::Row& row) { return row.key; }
};
template <>
struct strata::Entity<strata::simulation::NewerRow> {
  static constexpr auto table = "rows";
  static constexpr KeySpace keys{"simulation", "row"};
  static std::string id(const strata::simulation::NewerRow& row) { return row.key; }
};

namespace strata::simulation {

class SimulatedCache final : public Cache {
 public:
  SimulatedCache(std::shared_ptr<CacheServer> server, Scheduler& scheduler, Link& link)
      : server_(std::move(server)), scheduler_(scheduler), link_(link) {}

  CacheCapabilities capabilities() const override {
    return {.fenced_reads = true, .incarnation = true};
  }
  Incarnation incarnation(std::string_view /*key*/) const override { return known_; }
  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline) override;
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline) override;
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline) override;
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline) override;
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline) override;
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline) override;
  absl::Status ping(Deadline deadline) override;
  Health healthCheck() override;

 private:
  // Ok: it was executed, and its reply has come.
  absl::Status send(std::function<void()> execute, Link::Sent sent = Link::Sent::kPerhapsTwice);

  const std::shared_ptr<CacheServer> server_;
  Scheduler& scheduler_;
  Link& link_;
  Incarnation known_;
};

// For Row and NewerRow.
template <typename R>
class SimulatedStore final : public Store<R> {
 public:
  SimulatedStore(std::shared_ptr<Database> database, Scheduler& scheduler, Link& link)
      : database_(std::move(database)), scheduler_(scheduler), link_(link) {}

  absl::StatusOr<Snapshot<R>> get(const Id& id, const ReadOptions& options) override;
  Snapshots<R> getMany(absl::Span<const Id> ids, const ReadOptions& options) override;
  absl::StatusOr<Version> put(const R& row, const WriteOptions& options) override;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override;
  Health healthCheck() override { return {.component = "store", .backend = "simulated"}; }

 private:
  absl::StatusOr<Version> write(const std::string& key, std::optional<std::int64_t> number);

  const std::shared_ptr<Database> database_;
  Scheduler& scheduler_;
  Link& link_;
};

// The rows of a later binary, for callers that know Row. One that lacks its member has a number that
// was never written.
class NewerRows final : public Store<Row> {
 public:
  static constexpr std::int64_t kMadeUp = -1;

  explicit NewerRows(std::unique_ptr<Store<NewerRow>> rows) : rows_(std::move(rows)) {}

  absl::StatusOr<Snapshot<Row>> get(const Id& id, const ReadOptions& options) override;
  Snapshots<Row> getMany(absl::Span<const Id> ids, const ReadOptions& options) override;
  absl::StatusOr<Version> put(const Row& row, const WriteOptions& options) override;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override {
    return rows_->remove(id, options);
  }
  Health healthCheck() override { return rows_->healthCheck(); }

 private:
  const std::unique_ptr<Store<NewerRow>> rows_;
};

}  // namespace strata::simulation
