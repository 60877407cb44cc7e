#include "strata/cache/tools/cache_verifier.h"

#include <algorithm>
#include <random>
#include <utility>

#include "src/base/randomness.h"
#include "src/cache/cache_aside.h"
#include "src/cache/cache_rounds.h"
#include "src/cache/cell.h"
#include "src/cache/cell_demand.h"
#include "src/cache/compression.h"
#include "src/cache/record_shape.h"
#include "src/cache/tools/key_walk.h"
#include "src/records/key_form.h"
#include "strata/base/hash.h"
#include "strata/store/internal/staged_read.h"

namespace strata::internal {
namespace {

using Answer = absl::StatusOr<std::optional<std::string>>;

constexpr std::size_t kMostStaleKeys = 10;
constexpr std::size_t kMostBytes = std::size_t{512} << 20;

// A choice of `size` among however many there will be, each with the same chance (algorithm R).
class Reservoir {
 public:
  Reservoir(std::size_t size, std::uint64_t seed) : size_(size), seed_(seed), random_(seed) {}

  void add(std::string key) {
    ++seen_;
    if (chosen_.size() < size_) {
      chosen_.push_back(std::move(key));
      return;
    }
    const std::uint64_t at = std::uniform_int_distribution<std::uint64_t>(0, seen_ - 1)(random_);
    if (at < size_) chosen_[at] = std::move(key);
  }
  void clear() {
    chosen_.clear();
    seen_ = 0;
    random_.seed(seed_);
  }
  // Each once, for a listing may tell of a key twice.
  std::vector<std::string> take() {
    std::sort(chosen_.begin(), chosen_.end());
    chosen_.erase(std::unique(chosen_.begin(), chosen_.end()), chosen_.end());
    return std::move(chosen_);
  }

 private:
  const std::size_t size_;
  const std::uint64_t seed_;
  std::mt19937_64 random_;
  std::uint64_t seen_ = 0;
  std::vector<std::string> chosen_;
};

// Of a read that is not made.
CacheAside* cacheOf(StagedRead* read) {
  LookupRound round;
  if (read != nullptr) read->addLookup(round);
  return round.first();
}

// A copy that differs from what the database said.
struct Suspect {
  std::string key;
  Id id;
  // What makes the cell this one and no other.
  std::string fence;
  std::optional<std::string> in_database;
};

class Verification {
 public:
  Verification(Cache& cache, std::string_view app, const VerifiedType& type,
               const VerifyOptions& options, const Clock& clock)
      : cache_(cache),
        prefix_(type.entity.keys.inSchema(options.schema).prefix(app)),
        shape_(type.entity.typeInfo()),
        reader_(cacheOf(type.reader)),
        type_(type),
        options_(options),
        clock_(clock) {}

  VerifyReport run() {
    report_.seed = options_.seed.value_or(randomSeed());
    std::vector<std::string> keys = choose();
    if (!report_.status.ok()) return std::move(report_);
    report_.sampled = keys.size();
    std::erase_if(keys, [this](const std::string& key) {
      const bool names_its_id = !isShortenedKey(key) && idOf(key).check().ok();
      if (!names_its_id) ++report_.not_verifiable;
      return !names_its_id;
    });
    for (std::size_t first = 0; first < keys.size(); first += options_.batch_size) {
      compare(absl::MakeConstSpan(keys).subspan(first, options_.batch_size));
    }
    if (!suspects_.empty()) {
      clock_.sleepFor(options_.deadline.remaining(options_.grace, clock_));
      convict();
    }
    return std::move(report_);
  }

 private:
  Id idOf(std::string_view key) const { return Id::fromCanonical(key.substr(prefix_.size())); }

  std::vector<std::string> choose();
  void compare(absl::Span<const std::string> keys);
  CellDemand demandOf(const std::string& key, const Cell& cell) const;
  // The encoded value of a cell, or none where it says that there is none. Not ok: no reader
  // uses it; NotFound: it is no copy.
  Answer contentOf(const std::string& key, std::string_view bytes) const;
  void compareContents(absl::Span<const std::string> keys, const std::vector<std::string>& cells,
                       const std::vector<std::optional<std::string>>& contents);
  void convict();
  void note(const absl::Status& failure) { report_.status.Update(failure); }

  Cache& cache_;
  const std::string prefix_;
  const RecordShape shape_;
  CacheAside* const reader_;  // null: not known
  const VerifiedType& type_;
  const VerifyOptions& options_;
  const Clock& clock_;
  std::vector<Suspect> suspects_;
  VerifyReport report_;
};

std::vector<std::string> Verification::choose() {
  Reservoir reservoir(options_.sample_size, report_.seed);
  report_.status = walkKeys(
      cache_, prefix_, options_.deadline, clock_,
      [&](std::vector<std::string> keys) {
        for (std::string& key : keys) reservoir.add(std::move(key));
      },
      [&] { reservoir.clear(); });
  return reservoir.take();
}

CellDemand Verification::demandOf(const std::string& key, const Cell& cell) const {
  if (reader_ != nullptr) return reader_->demandOf(key);
  return {.key_hash = stableHash(key),
          .incarnation = cache_.incarnation(key),
          .epoch = cell.epoch,
          .identity = cell.identity};
}

Answer Verification::contentOf(const std::string& key, std::string_view bytes) const {
  const std::optional<Cell> cell = Cell::parse(bytes);
  if (!cell) return absl::DataLossError("no cell");
  if (!cell->understood) return absl::DataLossError("of another version of Strata");
  if (cell->tag == CellTag::kLease) return absl::NotFoundError("a lease");
  if (flawOf(*cell, demandOf(key, *cell), shape_)) return absl::DataLossError("no reader uses it");
  if (cell->tag == CellTag::kAbsent) return std::optional<std::string>();
  std::string payload(cell->payload);
  if (cell->codec == Cell::kZstdJsonCodec) {
    auto unpacked = decompress(payload, kMostBytes);
    if (!unpacked.ok()) return unpacked.status();
    payload = *std::move(unpacked);
  }
  auto recoded = type_.recode(payload);
  if (!recoded.ok()) return recoded.status();
  return std::optional(*std::move(recoded));
}

void Verification::compare(absl::Span<const std::string> keys) {
  const auto cells = cache_.getMany(keys, options_.deadline);
  std::vector<std::string> with_content;
  std::vector<std::string> bytes;
  std::vector<std::optional<std::string>> contents;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!cells[i].ok()) note(cells[i].status());
    if (!cells[i].ok() || !*cells[i]) {
      ++report_.gone;
      continue;
    }
    Answer content = contentOf(keys[i], **cells[i]);
    if (!content.ok()) {
      ++(absl::IsNotFound(content.status()) ? report_.gone : report_.unreadable);
      continue;
    }
    with_content.push_back(keys[i]);
    bytes.push_back(**cells[i]);
    contents.push_back(*std::move(content));
  }
  if (!with_content.empty()) compareContents(with_content, bytes, contents);
}

void Verification::compareContents(absl::Span<const std::string> keys,
                                   const std::vector<std::string>& cells,
                                   const std::vector<std::optional<std::string>>& contents) {
  std::vector<Id> ids;
  for (const std::string& key : keys) ids.push_back(idOf(key));
  std::vector<Answer> answers = type_.read(ids);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!answers[i].ok()) {
      ++report_.unanswered;
      note(answers[i].status());
    } else if (*answers[i] == contents[i]) {
      ++report_.fresh;
    } else {
      suspects_.push_back(
          {keys[i], ids[i], cells[i].substr(0, Cell::kFencePrefixBytes), *std::move(answers[i])});
    }
  }
}

// The cell is read first: had it been filled again with what the database says now, it would be
// another one.
void Verification::convict() {
  std::vector<std::string> keys;
  std::vector<Id> ids;
  for (const Suspect& suspect : suspects_) {
    keys.push_back(suspect.key);
    ids.push_back(suspect.id);
  }
  const auto cells = cache_.getMany(keys, options_.deadline);
  const std::vector<Answer> answers = type_.read(ids);
  for (std::size_t i = 0; i < suspects_.size(); ++i) {
    if (!answers[i].ok() || !cells[i].ok()) {
      ++report_.unanswered;
      note(answers[i].ok() ? cells[i].status() : answers[i].status());
      continue;
    }
    const bool is_same_cell = *cells[i] && (*cells[i])->starts_with(suspects_[i].fence);
    if (!is_same_cell || *answers[i] != suspects_[i].in_database) {
      ++report_.gone;
      continue;
    }
    ++report_.stale;
    if (report_.stale_keys.size() < kMostStaleKeys) report_.stale_keys.push_back(keys[i]);
  }
}

}  // namespace

VerifyReport verifyCells(Cache& cache, std::string_view app, const VerifiedType& type,
                         const VerifyOptions& options, const Clock& clock) {
  constexpr std::size_t kMostPerBatch = 10'000;
  const bool is_valid = options.sample_size >= 1 && options.batch_size >= 1 &&
                        options.batch_size <= kMostPerBatch &&
                        options.grace >= absl::ZeroDuration();
  if (is_valid) return Verification(cache, app, type, options, clock).run();
  VerifyReport refused;
  refused.status = absl::InvalidArgumentError(
      "verify: sample_size must be at least 1, batch_size 1 to 10 000, and "
      "grace not negative");
  return refused;
}

}  // namespace strata::internal
