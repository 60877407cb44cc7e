#include "strata/decorators/cache_aside.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "src/decorators/pending_deletes.h"
#include "strata/core/logging.h"
#include "strata/core/status.h"

namespace strata {
namespace {

using Lookup = CacheAside::Lookup;
using Outcome = CacheAside::Outcome;

// How long a reader waits for somebody else's fill before it asks the database itself.
constexpr absl::Duration kMaxWaitForFill = absl::Milliseconds(20);
constexpr absl::Duration kMinWaitForFill = absl::Milliseconds(1);
// A lease is given back by making it expire at once; a fence still guards it.
constexpr absl::Duration kAtOnce = absl::Milliseconds(1);

// Why a lookup went past the cache.
enum class Bypass : std::uint8_t { kLatest, kPending, kFilling, kForeign, kOld, kFull, kError };
// Why a cell was not believed.
enum class Reject : std::uint8_t { kCorrupt, kOtherKey, kOtherType, kOtherLife, kUndecodable };
// What became of a fill.
enum class Filled : std::uint8_t { kStored, kLost, kLate, kTooLarge, kNothing, kError };

constexpr std::array<const char*, 7> kBypassNames{
    "latest",           "pending_delete", "being_filled", "foreign_lease",
    "older_than_asked", "full",           "error"};
constexpr std::array<const char*, 5> kRejectNames{"corrupt", "other_key", "other_type",
                                                  "other_incarnation", "undecodable"};
constexpr std::array<const char*, 6> kFilledNames{"stored",    "lost_lease",       "late",
                                                  "too_large", "nothing_to_store", "error"};

// One counter per value of an enum.
template <typename E, std::size_t N>
class Counters {
 public:
  Counters(Metrics& metrics, const std::string& name, const std::string& store, const char* label,
           const std::array<const char*, N>& values) {
    for (std::size_t i = 0; i < N; ++i) {
      counters_[i] = &metrics.counter(name, {{"store", store}, {label, values[i]}});
    }
  }
  Counter& operator[](E value) const { return *counters_[static_cast<std::size_t>(value)]; }

 private:
  std::array<Counter*, N> counters_;
};

}  // namespace

absl::Status validate(const CachingOptions& options) {
  const auto positive = [](absl::Duration d) { return d > absl::ZeroDuration() && d <= kMaxTtl; };
  if (!positive(options.ttl)) {
    return absl::InvalidArgumentError("caching: ttl must be above zero and at most ten years");
  }
  if (!positive(options.lease_ttl)) {
    return absl::InvalidArgumentError("caching: lease_ttl must be above zero");
  }
  if (options.negative_ttl < absl::ZeroDuration() || options.negative_ttl > options.ttl) {
    return absl::InvalidArgumentError("caching: negative_ttl must be between zero and ttl");
  }
  if (!(options.ttl_jitter >= 0 && options.ttl_jitter <= 0.5)) {
    return absl::InvalidArgumentError("caching: ttl_jitter must be between 0 and 0.5");
  }
  return absl::OkStatus();
}

struct CacheAside::Core {
  Core(std::shared_ptr<Cache> cache_in, const EntityInfo& entity, CachingOptions options_in,
       std::shared_ptr<Metrics> metrics_in, const Clock& clock_in)
      : cache(std::move(cache_in)),
        options(std::move(options_in)),
        metrics(std::move(metrics_in)),
        clock(clock_in),
        key_prefix(entity.keys.prefix(options.app)),
        type_fingerprint(strata::fingerprint(entity.typeInfo())),
        pending(cache, options.ttl * (1 + options.ttl_jitter), clock) {}

  // ---- Looking up ----

  void lookUp(absl::Span<const Id> ids, const ReadOptions& read, absl::Span<Lookup> lookups);
  void resolve(absl::StatusOr<LeaseReply> reply, const ReadOptions& read, Lookup& lookup,
               std::vector<Lookup*>& replaceable);
  void resolveCell(std::string bytes, const ReadOptions& read, Lookup& lookup,
                   std::vector<Lookup*>& replaceable);
  std::optional<Reject> flawOf(const Cell& cell, const Lookup& lookup) const;
  // Replaces cells that nobody can use by leases of ours, where they are still there.
  void replace(absl::Span<Lookup* const> lookups);
  // For bytes that are no cell and so have no nonce to compare with: away with them.
  void discard(const Lookup& lookup);
  void bypass(Lookup& lookup, Bypass reason);
  void fail(Lookup& lookup, const absl::Status& status);

  // ---- Filling ----

  // What to store for `fill`, and for how long; nothing where the lease has run out.
  struct Stored {
    std::string expected;
    std::string cell;
    absl::Duration ttl;
    Filled outcome;
  };
  std::optional<Stored> storedFor(const Fill& fill, MonotonicTime now) const;
  absl::Duration jittered(absl::Duration ttl, const Nonce& nonce) const;
  Cell cellFor(CellTag tag, const Lookup& lookup) const;
  static std::string fence(CellTag tag, const Nonce& nonce);

  // ---- Telling ----

  void noteReject(Reject reason, const std::string& detail);
  void noteFailure(const absl::Status& status);
  void noteSuccess();

  const std::shared_ptr<Cache> cache;
  const CachingOptions options;
  const std::shared_ptr<Metrics> metrics;
  const Clock& clock;
  const std::string key_prefix;
  const std::uint64_t type_fingerprint;
  internal::PendingDeletes pending;

  Counter& hits = metrics->counter("strata_cache_hits_total", {{"store", options.store}});
  Counter& absents =
      metrics->counter("strata_cache_negative_hits_total", {{"store", options.store}});
  Counter& misses = metrics->counter("strata_cache_misses_total", {{"store", options.store}});
  Counters<Bypass, 7> bypasses{*metrics, "strata_cache_bypasses_total", options.store, "reason",
                               kBypassNames};
  Counters<Reject, 5> rejects{*metrics, "strata_cache_rejected_cells_total", options.store,
                              "reason", kRejectNames};
  Counters<Filled, 6> fills{*metrics, "strata_cache_fills_total", options.store, "result",
                            kFilledNames};
  Counter& deletes =
      metrics->counter("strata_cache_deletes_total", {{"store", options.store}, {"result", "ok"}});
  Counter& failed_deletes = metrics->counter("strata_cache_deletes_total",
                                             {{"store", options.store}, {"result", "pending"}});

  // None where nobody counts: a hit then reads the clock once.
  Histogram* const lookup_time =
      metrics == Metrics::none()
          ? nullptr
          : &metrics->histogram("strata_cache_lookup_seconds", {{"store", options.store}});

  std::atomic<bool> available{true};
  std::array<std::atomic<bool>, kRejectNames.size()> reject_logged{};
  // About how long a load takes, in nanoseconds: how long waiting for somebody else's is worth it.
  std::atomic<std::int64_t> typical_load{absl::ToInt64Nanoseconds(kMaxWaitForFill)};
};

// ---- Looking up ----

void CacheAside::Core::lookUp(absl::Span<const Id> ids, const ReadOptions& read,
                              absl::Span<Lookup> lookups) {
  absl::InlinedVector<Lookup*, 1> asked;
  std::string cells;  // one after the other
  const bool latest = read.consistency.value_or(options.consistency) == Consistency::kLatest;
  const MonotonicTime started = clock.now();
  const bool too_late = !read.deadline.isNever() && started >= read.deadline.time();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Lookup& lookup = lookups[i];
    lookup.status = ids[i].check();
    if (lookup.status.ok() && too_late) {
      lookup.status = absl::DeadlineExceededError("the deadline had passed before the call");
    }
    if (!lookup.status.ok()) continue;
    lookup.key = KeySpace::keyUnder(key_prefix, ids[i]);
    if (latest || pending.covers(lookup.key)) {
      bypass(lookup, latest ? Bypass::kLatest : Bypass::kPending);
      continue;
    }
    lookup.key_hash = stableHash(lookup.key);
    lookup.started = started;
    lookup.nonce = makeNonce();
    lookup.incarnation = cache->incarnation(lookup.key);
    if (cells.empty()) cells.reserve((ids.size() - i) * Cell::kHeaderBytes);
    cellFor(CellTag::kLease, lookup).appendTo(cells);
    asked.push_back(&lookup);
  }
  if (asked.empty()) return;

  absl::InlinedVector<LeaseRequest, 1> requests;
  requests.reserve(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::string_view all = cells;
    const std::string_view cell = all.substr(i * Cell::kHeaderBytes, Cell::kHeaderBytes);
    requests.push_back({asked[i]->key, cell});
  }
  auto replies = cache->getOrLease(requests, options.lease_ttl, read.deadline);
  if (lookup_time != nullptr) lookup_time->record(clock.now() - started);
  std::vector<Lookup*> replaceable;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    resolve(std::move(replies[i]), read, *asked[i], replaceable);
  }
  if (!replaceable.empty()) replace(replaceable);
}

void CacheAside::Core::resolve(absl::StatusOr<LeaseReply> reply, const ReadOptions& read,
                               Lookup& lookup, std::vector<Lookup*>& replaceable) {
  if (!reply.ok()) return fail(lookup, reply.status());
  noteSuccess();
  // The lease is stamped with the life of the server that was known when it was sent. Where that
  // was another one, other readers merely do not wait for it; the fill goes by this one.
  lookup.incarnation = reply->incarnation;
  if (reply->found) return resolveCell(*std::move(reply->found), read, lookup, replaceable);
  if (!reply->leased) return bypass(lookup, Bypass::kFull);
  misses.increment();
  lookup.outcome = Outcome::kLeased;
}

void CacheAside::Core::resolveCell(std::string bytes, const ReadOptions& read, Lookup& lookup,
                                   std::vector<Lookup*>& replaceable) {
  const std::optional<Cell> cell = Cell::parse(bytes);
  lookup.cell = std::move(bytes);
  if (!cell) {
    noteReject(Reject::kCorrupt, "");
    discard(lookup);
    return bypass(lookup, Bypass::kForeign);
  }
  lookup.version = cell->version;
  if (cell->tag == CellTag::kLease) {
    const bool ours_to_wait_for = cell->incarnation == lookup.incarnation;
    lookup.filled_by_another = ours_to_wait_for;
    return bypass(lookup, ours_to_wait_for ? Bypass::kFilling : Bypass::kForeign);
  }
  if (const auto flaw = flawOf(*cell, lookup)) {
    noteReject(*flaw, "");
    replaceable.push_back(&lookup);
    return;
  }
  const bool too_old = cell->version < read.min_version;
  if (too_old) {
    discard(lookup);
    return bypass(lookup, Bypass::kOld);
  }
  const bool is_value = cell->tag == CellTag::kValue;
  (is_value ? hits : absents).increment();
  lookup.outcome = is_value ? Outcome::kHit : Outcome::kAbsent;
}

std::optional<Reject> CacheAside::Core::flawOf(const Cell& cell, const Lookup& lookup) const {
  if (cell.key_hash != lookup.key_hash) return Reject::kOtherKey;
  if (cell.incarnation != lookup.incarnation) return Reject::kOtherLife;
  if (cell.tag == CellTag::kAbsent) return std::nullopt;
  const bool same_type = cell.codec == Cell::kJsonCodec && cell.fingerprint == type_fingerprint;
  return same_type ? std::nullopt : std::optional(Reject::kOtherType);
}

void CacheAside::Core::replace(absl::Span<Lookup* const> lookups) {
  std::vector<std::string> leases;
  for (Lookup* lookup : lookups) leases.push_back(cellFor(CellTag::kLease, *lookup).encode());
  std::vector<CompareAndSet> requests;
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    const auto present = std::string_view(lookups[i]->cell).substr(0, Cell::kFencePrefixBytes);
    requests.push_back(
        {lookups[i]->key, present, leases[i], options.lease_ttl, lookups[i]->incarnation});
  }
  const auto replies = cache->compareAndSet(requests);
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    if (!replies[i].ok()) {
      fail(*lookups[i], replies[i].status());
    } else if (!*replies[i]) {
      bypass(*lookups[i], Bypass::kForeign);
    } else {
      misses.increment();
      lookups[i]->outcome = Outcome::kLeased;
    }
  }
}

void CacheAside::Core::discard(const Lookup& lookup) {
  if (const absl::Status status = cache->remove({&lookup.key, 1}); !status.ok()) {
    // The bytes stay, and are as useless to the next reader as to this one.
    noteFailure(status);
  }
}

void CacheAside::Core::bypass(Lookup& lookup, Bypass reason) {
  lookup.outcome = Outcome::kBypass;
  bypasses[reason].increment();
}

void CacheAside::Core::fail(Lookup& lookup, const absl::Status& status) {
  noteFailure(status);
  bypass(lookup, Bypass::kError);
  if (options.failure_tier == FailureTier::kCritical) lookup.status = status;
}

// ---- Filling ----

std::string CacheAside::Core::fence(CellTag tag, const Nonce& nonce) {
  std::string prefix(1, static_cast<char>(tag));
  prefix.append(nonce.data(), nonce.size());
  return prefix;
}

Cell CacheAside::Core::cellFor(CellTag tag, const Lookup& lookup) const {
  return {.tag = tag,
          .nonce = lookup.nonce,
          .key_hash = lookup.key_hash,
          .incarnation = lookup.incarnation,
          .version = {},
          .codec = Cell::kJsonCodec,
          .fingerprint = type_fingerprint,
          .payload = {}};
}

absl::Duration CacheAside::Core::jittered(absl::Duration ttl, const Nonce& nonce) const {
  // A nonce is used once, so its hash serves as the random number: from -1 to 1.
  const std::uint64_t hash = stableHash({nonce.data(), nonce.size()});
  const double random = static_cast<double>(hash >> 11) / static_cast<double>(1ULL << 52) - 1.0;
  return std::max(ttl * (1.0 + options.ttl_jitter * random), absl::Milliseconds(1));
}

std::optional<CacheAside::Core::Stored> CacheAside::Core::storedFor(const Fill& fill,
                                                                    MonotonicTime now) const {
  const Lookup& lookup = *fill.lookup;
  if (now - lookup.started >= options.lease_ttl) {
    fills[Filled::kLate].increment();
    return std::nullopt;
  }
  const std::string expected = fence(CellTag::kLease, lookup.nonce);
  const bool fits = fill.payload.size() <= options.max_value_bytes;
  if (fill.answer == Fill::Answer::kValue && fits) {
    Cell cell = cellFor(CellTag::kValue, lookup);
    cell.version = fill.version;
    cell.payload = fill.payload;
    return Stored{expected, cell.encode(), jittered(options.ttl, lookup.nonce), Filled::kStored};
  }
  if (fill.answer == Fill::Answer::kAbsent && options.negative_ttl > absl::ZeroDuration()) {
    return Stored{expected, cellFor(CellTag::kAbsent, lookup).encode(),
                  jittered(options.negative_ttl, lookup.nonce), Filled::kStored};
  }
  return Stored{expected, cellFor(CellTag::kLease, lookup).encode(), kAtOnce,
                fits ? Filled::kNothing : Filled::kTooLarge};
}

// ---- Telling ----

void CacheAside::Core::noteReject(Reject reason, const std::string& detail) {
  rejects[reason].increment();
  const auto index = static_cast<std::size_t>(reason);
  if (reject_logged[index].exchange(true)) return;
  log(Severity::kWarning, "strata.cache.cell_rejected",
      {{"store", options.store}, {"reason", kRejectNames[index]}, {"detail", detail}});
}

void CacheAside::Core::noteFailure(const absl::Status& status) {
  if (!available.exchange(false)) return;
  log(Severity::kWarning, "strata.cache.unavailable",
      {{"store", options.store}, {"error", describe(status)}});
}

void CacheAside::Core::noteSuccess() {
  // The load first: on the way of every hit nothing is written.
  if (available.load(std::memory_order_relaxed) || available.exchange(true)) return;
  log(Severity::kInfo, "strata.cache.available", {{"store", options.store}});
}

// ---- CacheAside ----

CacheAside::CacheAside(std::unique_ptr<Core> core) : core_(std::move(core)) {}
CacheAside::~CacheAside() = default;

absl::StatusOr<std::unique_ptr<CacheAside>> CacheAside::create(std::shared_ptr<Cache> cache,
                                                               const EntityInfo& entity,
                                                               CachingOptions options,
                                                               std::shared_ptr<Metrics> metrics,
                                                               const Clock& clock) {
  if (absl::Status status = validate(options); !status.ok()) return status;
  if (options.store.empty()) options.store = entity.table;
  if (options.consistency == Consistency::kSession && !cache->capabilities().fenced_reads) {
    return absl::FailedPreconditionError(
        fmt::format("caching of {}: this cache has no fenced reads, so it cannot keep the level "
                    "kSession; ask for kEventual or use another cache",
                    options.store));
  }
  return std::unique_ptr<CacheAside>(new CacheAside(std::make_unique<Core>(
      std::move(cache), entity, std::move(options), std::move(metrics), clock)));
}

Lookup CacheAside::lookup(const Id& id, const ReadOptions& options) {
  Lookup found;
  core_->lookUp({&id, 1}, options, {&found, 1});
  if (!found.filled_by_another) return found;
  const absl::Duration wait =
      std::clamp(absl::Nanoseconds(core_->typical_load.load()), kMinWaitForFill, kMaxWaitForFill);
  core_->clock.sleepFor(options.deadline.remaining(wait, core_->clock));
  found = Lookup();
  core_->lookUp({&id, 1}, options, {&found, 1});
  return found;
}

std::vector<Lookup> CacheAside::lookupMany(absl::Span<const Id> ids, const ReadOptions& options) {
  std::vector<Lookup> lookups(ids.size());
  core_->lookUp(ids, options, absl::MakeSpan(lookups));
  return lookups;
}

void CacheAside::rejectPayload(Lookup& hit, const absl::Status& why) {
  core_->noteReject(Reject::kUndecodable, describe(why));
  Lookup* const lookup = &hit;
  core_->replace({&lookup, 1});
}

void CacheAside::fill(absl::Span<const Fill> fills) {
  const MonotonicTime now = core_->clock.now();
  std::vector<Core::Stored> stored;
  std::vector<const Lookup*> lookups;
  for (const Fill& fill : fills) {
    if (auto cell = core_->storedFor(fill, now)) {
      stored.push_back(*std::move(cell));
      lookups.push_back(fill.lookup);
    }
  }
  if (stored.empty()) return;
  // An average that forgets: each load counts for an eighth.
  const std::int64_t load = absl::ToInt64Nanoseconds(now - lookups.front()->started);
  const std::int64_t typical = core_->typical_load.load(std::memory_order_relaxed);
  core_->typical_load.store(typical + (load - typical) / 8, std::memory_order_relaxed);

  std::vector<CompareAndSet> requests;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    requests.push_back({lookups[i]->key, stored[i].expected, stored[i].cell, stored[i].ttl,
                        lookups[i]->incarnation});
  }
  const auto replies = core_->cache->compareAndSet(requests);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (!replies[i].ok()) core_->noteFailure(replies[i].status());
    const Filled outcome = !replies[i].ok() ? Filled::kError
                           : *replies[i]    ? stored[i].outcome
                                            : Filled::kLost;
    core_->fills[outcome].increment();
  }
}

void CacheAside::invalidate(absl::Span<const Id> ids) {
  std::vector<std::string> keys;
  for (const Id& id : ids) keys.push_back(KeySpace::keyUnder(core_->key_prefix, id));
  const absl::Status status = core_->cache->remove(keys);
  if (status.ok()) {
    core_->deletes.add(static_cast<std::int64_t>(keys.size()));
    return;
  }
  // Before the write is acknowledged: from here on this process does not believe the cache.
  core_->pending.add(keys);
  core_->failed_deletes.add(static_cast<std::int64_t>(keys.size()));
  core_->noteFailure(status);
}

Health CacheAside::healthCheck() {
  Health health = core_->cache->healthCheck();
  const bool critical = core_->options.failure_tier == FailureTier::kCritical;
  if (health.state == HealthState::kFail && !critical) health.state = HealthState::kWarn;
  return health;
}

}  // namespace strata
