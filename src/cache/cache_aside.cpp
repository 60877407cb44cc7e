#include "src/cache/cache_aside.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "src/base/mutants.h"
#include "src/base/own_deadline.h"
#include "src/base/randomness.h"
#include "src/cache/cache_aside_core.h"
#include "src/cache/cell_demand.h"
#include "src/cache/compression.h"
#include "strata/base/hash.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

using Lookup = CacheAside::Lookup;
using Outcome = CacheAside::Outcome;

// A lease is given back by making it expire at once; a fence still guards it.
constexpr absl::Duration kAtOnce = absl::Milliseconds(1);
// What is compressed, and what is decompressed: a frame of a few kilobytes may claim to hold any size.
constexpr std::size_t kMostCompressed = std::size_t{64} << 20;
// A cell that this binary cannot read and another one can is replaced by one lookup in so many. If
// two binaries replaced each other's cells at every lookup, neither would have a hit; if neither did,
// the cell of a binary that no longer runs would be bypassed until it expires.
constexpr std::uint64_t kReplacedOnceIn = 16;

// A nonce is used once, so its hash serves as a random number.
std::uint64_t randomOf(const Nonce& nonce) { return stableHash({nonce.data(), nonce.size()}); }

bool isReplacedByChance(const Lookup& lookup) {
  return randomOf(lookup.nonce) % kReplacedOnceIn == 0;
}

std::string adviceFor(const EntityInfo& entity, const std::string& key_prefix) {
  return fmt::format(
      "the keys {}* of table {} are those of another table or database too; give each entity a"
      " KeySpace of its own, and each service with a database of its own an app (STRATA_APP) of its"
      " own",
      key_prefix, entity.table);
}

}  // namespace

CacheAside::Core::Core(std::shared_ptr<GuardedCache> cache_in, const EntityInfo& entity,
                       CachingOptions options_in, std::shared_ptr<Metrics> metrics_in,
                       const Clock& clock_in, std::shared_ptr<Executor> executor)
    : cache(std::move(cache_in)),
      options(std::move(options_in)),
      metrics_owner(std::move(metrics_in)),
      clock(clock_in),
      key_prefix(entity.keys.prefix(options.app)),
      identity(cellIdentity(entity, options)),
      shape(entity.typeInfo()),
      advice(adviceFor(entity, key_prefix)),
      metrics(*metrics_owner, options.store),
      invalidator(cache, entity, options.store, options.app, metrics_owner),
      loads(clock),
      fills(*cache, loads, metrics, options.max_queued_fills, clock, std::move(executor)) {}

// ---- Looking up ----

void CacheAside::Core::lookUp(absl::Span<const Id> ids, const ReadOptions& read,
                              absl::Span<Lookup> lookups) {
  Questions questions;
  const MonotonicTime now = clock.now();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (admit(ids[i], read, now, lookups[i])) questions.push_back({this, &lookups[i]});
  }
  if (!questions.empty()) ask(std::move(questions), read);
}

bool CacheAside::Core::admit(const Id& id, const ReadOptions& read, MonotonicTime now,
                             Lookup& lookup) {
  lookup.status = annotate(id.check(), options.store);
  if (lookup.status.ok() && !read.deadline.isNever() && now >= read.deadline.time()) {
    lookup.status = absl::DeadlineExceededError("the deadline had passed before the call");
  }
  if (!lookup.status.ok()) return false;
  lookup.key = KeySpace::keyUnder(key_prefix, id);
  lookup.started = now;
  if (read.consistency.value_or(options.consistency) == Consistency::kLatest) {
    bypass(lookup, Bypass::kLatest);
  } else if (!cache->breaker().allows()) {
    bypass(lookup, Bypass::kBreakerOpen);
    if (options.failure_tier == FailureTier::kCritical) lookup.status = cache->breaker().refusal();
  } else if (cache->owesDeletion(lookup.key)) {
    bypass(lookup, Bypass::kPending);
  } else {
    return true;
  }
  return false;
}

void CacheAside::Core::ask(Questions questions, const ReadOptions& read) {
  auto rest = questions.begin();
  while (rest != questions.end()) {
    const Core& first = *rest->core;
    const auto end = std::stable_partition(rest, questions.end(), [&first](const Question& other) {
      return other.core == &first || (other.core->cache == first.cache &&
                                      other.core->options.lease_ttl == first.options.lease_ttl);
    });
    askOne({&*rest, static_cast<std::size_t>(end - rest)}, read);
    rest = end;
  }
}

void CacheAside::Core::stamp(Lookup& lookup) const {
  lookup.key_hash = stableHash(lookup.key);
  lookup.nonce = makeNonce();
  lookup.incarnation = cache->incarnation(lookup.key);
  // Not before it was asked what is owed: where deletions were forgotten, the epoch moves first
  // and only then are reads let through again.
  lookup.epoch = cache->epoch();
}

void CacheAside::Core::askOne(absl::Span<const Question> questions, const ReadOptions& read) {
  absl::InlinedVector<std::array<char, Cell::kHeaderBytes>, 1> leases;
  leases.reserve(questions.size());
  absl::InlinedVector<LeaseRequest, 1> requests;
  requests.reserve(questions.size());
  for (const auto& [core, lookup] : questions) {
    core->stamp(*lookup);
    leases.push_back(core->cellFor(CellTag::kLease, *lookup).encodeHeader());
    requests.push_back({lookup->key, {leases.back().data(), Cell::kHeaderBytes}});
  }
  const Core& first = *questions.front().core;
  auto replies = first.cache->getOrLease(requests, first.options.lease_ttl, read.deadline);
  noteLookupTime(questions);
  Questions replaceable;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& [core, lookup] = questions[i];
    if (!core->resolve(std::move(replies[i]), read, *lookup)) replaceable.push_back(questions[i]);
  }
  if (!replaceable.empty()) replace(replaceable);
}

void CacheAside::Core::noteLookupTime(absl::Span<const Question> questions) {
  const Core* last = nullptr;
  std::optional<MonotonicTime> now;
  for (const auto& [core, lookup] : questions) {
    if (core == std::exchange(last, core) || core->metrics.lookup_time == nullptr) continue;
    if (!now) now = core->clock.now();
    core->metrics.lookup_time->record(*now - lookup->started);
  }
}

bool CacheAside::Core::resolve(absl::StatusOr<LeaseReply> reply, const ReadOptions& read,
                               Lookup& lookup) {
  if (!reply.ok()) {
    fail(lookup, reply.status());
    return true;
  }
  // The lease is stamped with the incarnation that was known when it was sent; the fill goes by this
  // one.
  lookup.incarnation = reply->incarnation;
  if (reply->found) return resolveCell(*std::move(reply->found), read, lookup);
  reply->leased ? lease(lookup) : bypass(lookup, Bypass::kFull);
  return true;
}

bool CacheAside::Core::resolveCell(std::string bytes, const ReadOptions& read, Lookup& lookup) {
  lookup.cell = std::move(bytes);
  const std::optional<Cell> cell = Cell::parse(lookup.cell);
  if (!cell) {
    metrics.noteReject(Reject::kCorrupt);
    discard(lookup);
    bypass(lookup, Bypass::kForeign);
    return true;
  }
  lookup.version = cell->version;
  if (!cell->hasKnownTag()) {
    // A later Strata may rely on it, so it is never replaced.
    metrics.noteReject(Reject::kOtherFormat);
    bypass(lookup, Bypass::kForeignCell);
    return true;
  }
  if (cell->tag == CellTag::kLease) {
    // Of whatever incarnation: one that was taken before its process knew this server's is as good,
    // and one that came back from the past costs a wait, which is bounded.
    lookup.filled_by_another =
        cell->understood && cell->identity == identity && cell->epoch >= lookup.epoch;
    if (!lookup.filled_by_another) bypass(lookup, Bypass::kForeign);
    return true;
  }
  const CellDemand demand{lookup.key_hash, lookup.incarnation, lookup.epoch, identity};
  if (const auto flaw = flawOf(*cell, demand, shape)) return reject(*flaw, *cell, lookup);
  if (cell->epoch > lookup.epoch) cache->noteEpoch(cell->epoch);
  if (cell->version < read.min_version) {
    discard(lookup);
    bypass(lookup, Bypass::kOld);
    return true;
  }
  lookup.of_another_shape = cell->fingerprint != shape.fingerprint();
  lookup.payload_at = lookup.cell.size() - cell->payload.size();
  if (!unpack(*cell, lookup)) return false;
  const bool is_value = cell->tag == CellTag::kValue;
  (is_value ? metrics.hits : metrics.absents).increment();
  lookup.outcome = is_value ? Outcome::kHit : Outcome::kAbsent;
  return true;
}

bool CacheAside::Core::reject(Reject flaw, const Cell& cell, Lookup& lookup) {
  metrics.noteReject(flaw, flaw == Reject::kOtherIdentity ? advice : std::string_view());
  const bool is_of_use_to_others = (flaw == Reject::kOtherFormat && cell.format >= Cell::kFormat) ||
                                   (flaw == Reject::kOtherType && shape.isOfUseToOthers(cell));
  if (!is_of_use_to_others || isReplacedByChance(lookup)) return false;
  bypass(lookup, Bypass::kForeignCell);
  return true;
}

bool CacheAside::Core::unpack(const Cell& cell, Lookup& lookup) {
  if (cell.codec != Cell::kZstdJsonCodec) return true;
  auto bytes = internal::decompress(cell.payload, kMostCompressed);
  if (!bytes.ok()) {
    metrics.noteReject(Reject::kUndecodable, describe(bytes.status()));
    return false;
  }
  lookup.decompressed = *std::move(bytes);
  return true;
}

void CacheAside::Core::replace(absl::Span<const Question> questions) {
  std::vector<std::string> leases;
  for (const auto& [core, lookup] : questions) {
    leases.push_back(core->cellFor(CellTag::kLease, *lookup).encode());
  }
  std::vector<CompareAndSet> requests;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& [core, lookup] = questions[i];
    const auto present = std::string_view(lookup->cell).substr(0, Cell::kFencePrefixBytes);
    requests.push_back(
        {lookup->key, present, leases[i], core->options.lease_ttl, lookup->incarnation});
  }
  const auto replies = questions.front().core->cache->compareAndSet(requests);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& [core, lookup] = questions[i];
    if (!replies[i].ok()) {
      core->fail(*lookup, replies[i].status());
    } else if (!*replies[i]) {
      core->bypass(*lookup, Bypass::kForeign);
    } else {
      core->lease(*lookup);
    }
  }
}

void CacheAside::Core::discard(const Lookup& lookup) {
  // Where it fails the bytes stay, as useless to the next reader as to this one, and are owed a
  // deletion like any other.
  cache->remove({&lookup.key, 1}).IgnoreError();
}

void CacheAside::Core::lease(Lookup& lookup) {
  metrics.misses.increment();
  lookup.outcome = Outcome::kLeased;
  loads.begin(lookup.nonce);
}

void CacheAside::Core::bypass(Lookup& lookup, Bypass reason) {
  lookup.outcome = Outcome::kBypass;
  metrics.bypasses[reason].increment();
}

void CacheAside::Core::fail(Lookup& lookup, const absl::Status& status) {
  bypass(lookup, Bypass::kError);
  if (options.failure_tier == FailureTier::kCritical) lookup.status = status;
}

// ---- Filling ----

Cell CacheAside::Core::cellFor(CellTag tag, const Lookup& lookup) const {
  return {.tag = tag,
          .nonce = lookup.nonce,
          .key_hash = lookup.key_hash,
          .incarnation = lookup.incarnation,
          .epoch = lookup.epoch,
          .version = {},
          .identity = identity,
          .fingerprint = shape.fingerprint(),
          .members = {},
          .payload = {}};
}

absl::Duration CacheAside::Core::jittered(absl::Duration ttl, const Nonce& nonce) const {
  // From -1 to 1.
  const double random =
      static_cast<double>(randomOf(nonce) >> 11) / static_cast<double>(1ULL << 52) - 1.0;
  return std::max(ttl * (1.0 + options.ttl_jitter * random), absl::Milliseconds(1));
}

std::string CacheAside::Core::valueCell(const Fill& fill) const {
  Cell cell = cellFor(CellTag::kValue, *fill.lookup);
  cell.version = fill.version;
  cell.members = shape.encodedMembers();
  cell.payload = fill.payload;
  const std::size_t size = fill.payload.size();
  const bool is_long = size > options.compress_above_bytes && size <= kMostCompressed;
  if (options.compress_above_bytes == 0 || !is_long) return cell.encode();
  const std::string compressed = internal::compress(fill.payload);
  if (compressed.size() < fill.payload.size()) {
    cell.codec = Cell::kZstdJsonCodec;
    cell.payload = compressed;
  }
  return cell.encode();
}

CacheFills::Fill CacheAside::Core::fillFor(const Fill& fill) const {
  const Lookup& lookup = *fill.lookup;
  CacheFills::Fill made{.key = lookup.key,
                        .lease = lookup.nonce,
                        .cell = {},
                        .ttl = kAtOnce,
                        .incarnation = lookup.incarnation,
                        .outcome = Filled::kNothing,
                        .expires = lookup.started + options.lease_ttl};
  const bool fits = fill.payload.size() <= options.max_value_bytes;
  if (fill.answer == Fill::Answer::kValue && fits) {
    made.cell = valueCell(fill);
    made.ttl = jittered(options.ttl, lookup.nonce);
    made.outcome = Filled::kStored;
  } else if (fill.answer == Fill::Answer::kAbsent && options.negative_ttl > absl::ZeroDuration()) {
    made.cell = cellFor(CellTag::kAbsent, lookup).encode();
    made.ttl = jittered(options.negative_ttl, lookup.nonce);
    made.outcome = Filled::kStored;
  } else {
    made.cell = cellFor(CellTag::kLease, lookup).encode();
    if (!fits) made.outcome = Filled::kTooLarge;
  }
  return made;
}

// ---- CacheAside ----

CacheAside::CacheAside(std::unique_ptr<Core> core) : core_(std::move(core)) {}
CacheAside::~CacheAside() = default;

absl::StatusOr<std::unique_ptr<CacheAside>> CacheAside::create(
    std::shared_ptr<Cache> cache, const EntityInfo& entity, CachingOptions options,
    std::shared_ptr<Metrics> metrics, const Clock& clock, std::shared_ptr<Executor> executor) {
  if (absl::Status status = validate(options); !status.ok()) return status;
  if (options.store.empty()) options.store = entity.table;
  if (options.consistency == Consistency::kSession && !cache->capabilities().fenced_reads) {
    return absl::FailedPreconditionError(
        fmt::format("caching of {}: this cache has no fenced reads, so it cannot keep the level "
                    "kSession; ask for kEventual or use another cache",
                    options.store));
  }
  auto guarded = GuardedCache::over(std::move(cache), metrics, clock, executor);
  return std::unique_ptr<CacheAside>(
      new CacheAside(std::make_unique<Core>(std::move(guarded), entity, std::move(options),
                                            std::move(metrics), clock, std::move(executor))));
}

Lookup CacheAside::lookup(const Id& id, const ReadOptions& options) {
  Lookup found;
  core_->lookUp({&id, 1}, options, {&found, 1});
  if (!found.filled_by_another) return found;
  core_->awaitFill(core_->waiterFor(id, options, found), found);
  core_->countIfFilledByAnother(found);
  return found;
}

std::vector<Lookup> CacheAside::lookupMany(absl::Span<const Id> ids, const ReadOptions& options) {
  std::vector<Lookup> lookups(ids.size());
  core_->lookUp(ids, options, absl::MakeSpan(lookups));
  for (const Lookup& lookup : lookups) core_->countIfFilledByAnother(lookup);
  return lookups;
}

void CacheAside::lookUpTogether(absl::Span<const Asked> asked, const ReadOptions& options) {
  if (asked.empty()) return;
  Core::Questions questions;
  const MonotonicTime now = asked.front().of->core_->clock.now();
  for (const Asked& one : asked) {
    Core* const core = one.of->core_.get();
    if (core->admit(*one.id, options, now, *one.lookup)) questions.push_back({core, one.lookup});
  }
  if (!questions.empty()) Core::ask(std::move(questions), options);
  for (const Asked& one : asked) one.of->core_->countIfFilledByAnother(*one.lookup);
}

void CacheAside::rejectPayload(Lookup& hit, const absl::Status& why) {
  core_->metrics.noteReject(Reject::kUndecodable, describe(why));
  if (hit.of_another_shape && !isReplacedByChance(hit)) {
    return core_->bypass(hit, Bypass::kForeignCell);
  }
  const Core::Question question{core_.get(), &hit};
  Core::replace({&question, 1});
}

void CacheAside::fill(absl::Span<const Fill> fills) {
  if (fills.empty()) return;
  const MonotonicTime now = core_->clock.now();
  for (const Fill& fill : fills) {
    if (fill.answer == Fill::Answer::kFailed || !fill.was_loaded) continue;
    core_->load_times.note(now - fill.lookup->started);
    break;  // the others were loaded with it
  }
  std::vector<CacheFills::Fill> made;
  made.reserve(fills.size());
  for (const Fill& fill : fills) made.push_back(core_->fillFor(fill));
  core_->fills.send(std::move(made));
}

void CacheAside::fillTogether(absl::Span<const PlannedFill> fills) {
  if (fills.empty()) return;
  const MonotonicTime now = fills.front().by->core_->clock.now();
  std::vector<CacheFills::Owed> owed;
  owed.reserve(fills.size());
  for (const PlannedFill& one : fills) {
    Core& core = *one.by->core_;
    if (one.fill.answer != Fill::Answer::kFailed && one.fill.was_loaded)
      core.load_times.note(now - one.fill.lookup->started);
    owed.push_back({&core.fills, core.fillFor(one.fill)});
  }
  CacheFills::sendTogether(std::move(owed));
}

void CacheAside::share(Lookup& lookup, SharedLoads::Answer answer, Deadline deadline) {
  if (lookup.lead == nullptr) return;
  if (answer.status.ok()) core_->load_times.note(core_->clock.now() - lookup.load_began);
  if (!isOwnDeadline(answer.status, deadline, core_->clock)) lookup.lead->finish(std::move(answer));
  lookup.lead = nullptr;
}

void CacheAside::invalidateAfter(const absl::Status& written, absl::Span<const Id> ids,
                                 UnitOfWork* unit) {
  core_->invalidator.after(written, ids, unit);
}

CellDemand CacheAside::demandOf(const std::string& key) const {
  return {stableHash(key), core_->cache->incarnation(key), core_->cache->epoch(), core_->identity};
}

Health CacheAside::healthCheck() {
  Health health = core_->cache->healthCheck();
  const bool critical = core_->options.failure_tier == FailureTier::kCritical;
  if (health.state == HealthState::kFail && !critical) health.state = HealthState::kWarn;
  return health;
}

}  // namespace strata::internal
