// A CachingStore over a FakeCache, with everything that happens below it counted.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "src/cache/cell.h"
#include "src/cache/record_shape.h"
#include "strata/base/hash.h"
#include "strata/base/nonce.h"
#include "strata/cache/guarded_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/decorators/metered_store.h"
#include "strata/memory/in_memory_store.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fault_injecting_store.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace caching_test {

struct Note {
  std::string id;
  std::string text;
  friend bool operator==(const Note&, const Note&) = default;
};
BOOST_DESCRIBE_STRUCT(Note, (), (id, text))

// A later binary's description of the same rows.
struct NewerNote {
  std::string id;
  std::string text;
  bool pinned = false;
};
BOOST_DESCRIBE_STRUCT(NewerNote, (), (id, text, pinned))

}  // namespace caching_test

template <>
struct Entity<caching_test::Note> {
  static constexpr auto table = "notes";
  static constexpr KeySpace keys{"notes", "note"};
  static std::string id(const caching_test::Note& note) { return note.id; }
};
template <>
struct Entity<caching_test::NewerNote> {
  static constexpr auto table = "notes";
  static constexpr KeySpace keys{"notes", "note"};
  static std::string id(const caching_test::NewerNote& note) { return note.id; }
};

namespace caching_test {

inline constexpr const char* kKey = "app:notes:note:a";

class CachingStoreTest : public ::testing::Test {
 protected:
  CachingStoreTest() { makeStore({}); }

  // The stack under test: CachingStore, a counter, faults, memory.
  void makeStore(CachingOptions options) {
    options.store = "notes";
    options.app = "app";
    auto faulty = std::make_unique<testing::FaultInjectingStore<Note>>(
        *InMemoryStore<Note>::create(database_), faults_);
    auto made =
        CachingStore<Note>::create(std::make_unique<MeteredStore<Note>>(
                                       std::move(faulty), metrics_, "notes", "database", clock_),
                                   guarded_ != nullptr ? std::shared_ptr<Cache>(guarded_) : cache_,
                                   options, metrics_, clock_, executor_);
    ASSERT_THAT(made, testing::IsOk());
    store_ = *std::move(made);
  }

  // Another process on the same database and cache.
  std::unique_ptr<Store<Note>> otherProcess() {
    return *CachingStore<Note>::create(*InMemoryStore<Note>::create(database_), cache_,
                                       {.store = "notes", .app = "app"});
  }

  std::string textOf(const std::string& id, const ReadOptions& options = {}) {
    const auto note = store_->get(id, options);
    EXPECT_THAT(note, testing::IsOk());
    return note.ok() && *note != nullptr ? (*note)->text : "none";
  }

  // Reads that reached the database: calls of get, and ids of getMany.
  std::int64_t loads() const {
    return metrics_->count("strata_store_calls_total", {{"operation", "get"}}) +
           metrics_->count("strata_store_calls_total", {{"operation", "get_many"}});
  }
  std::int64_t fills(const std::string& result) const {
    return metrics_->count("strata_cache_fills_total", {{"result", result}});
  }
  std::int64_t rejected(const std::string& reason) const {
    return metrics_->count("strata_cache_rejected_cells_total", {{"reason", reason}});
  }
  // Of the cells of every store that is made here.
  static std::uint64_t identity() {
    return internal::cellIdentity(entityInfo<Note>(), {.store = "notes", .app = "app"});
  }
  // A lease of another process, of whichever incarnation it took its server for.
  static std::string foreignLease(Incarnation incarnation) {
    Nonce of_another_process = makeNonce();
    of_another_process.front() ^= 1;
    return internal::Cell{.tag = internal::CellTag::kLease,
                          .nonce = of_another_process,
                          .key_hash = stableHash(kKey),
                          .incarnation = incarnation,
                          .identity = identity()}
        .encode();
  }
  bool cached(std::string_view key = kKey) const {
    const auto bytes = cache_->peek(key);
    const auto cell = bytes ? internal::Cell::parse(*bytes) : std::nullopt;
    return cell && cell->tag == internal::CellTag::kValue;
  }

  testing::FakeClock clock_;
  std::shared_ptr<testing::FakeCache> cache_ = std::make_shared<testing::FakeCache>(clock_);
  // What the store gets in its place, where a test sets it.
  std::shared_ptr<GuardedCache> guarded_;
  std::shared_ptr<Executor> executor_ = Executor::shared();
  std::shared_ptr<InMemoryDatabase> database_ = std::make_shared<InMemoryDatabase>();
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::shared_ptr<testing::FaultPlan> faults_ = std::make_shared<testing::FaultPlan>(1, clock_);
  std::unique_ptr<Store<Note>> store_;
};

}  // namespace caching_test
}  // namespace strata
