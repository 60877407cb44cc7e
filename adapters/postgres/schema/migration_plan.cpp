#include "adapters/postgres/schema/migration_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "src/base/sha256.h"

namespace strata::postgres {
namespace {

// Components in the order in which they first appear, for one may build on another's tables; each
// one's migrations by number.
std::vector<Migration> inOrder(std::span<const Migration> migrations) {
  std::map<std::string_view, std::size_t> places;
  for (const Migration& migration : migrations) {
    places.try_emplace(migration.component, places.size());
  }
  std::vector<Migration> sorted(migrations.begin(), migrations.end());
  std::ranges::stable_sort(sorted, {}, [&](const Migration& migration) {
    return std::pair(places.at(migration.component), migration.number);
  });
  return sorted;
}

absl::Status checkNumbers(const std::vector<Migration>& sorted) {
  const Migration* previous = nullptr;
  for (const Migration& migration : sorted) {
    const bool first = previous == nullptr || previous->component != migration.component;
    const int expected = first ? 1 : previous->number + 1;
    if (migration.number != expected) {
      return absl::InvalidArgumentError(
          fmt::format("{}: the number {} was expected", describe(migration), expected));
    }
    previous = &migration;
  }
  return absl::OkStatus();
}

}  // namespace

std::string checksumOf(const Migration& migration) { return internal::sha256Hex(migration.sql); }

std::string describe(const Migration& migration) {
  return fmt::format("migration {}/{:04}_{}", migration.component, migration.number,
                     migration.name);
}

absl::StatusOr<std::vector<Migration>> planMigrations(std::span<const Migration> migrations,
                                                      const AppliedMigrations& applied) {
  const std::vector<Migration> sorted = inOrder(migrations);
  if (absl::Status status = checkNumbers(sorted); !status.ok()) return status;
  std::vector<Migration> pending;
  for (const Migration& migration : sorted) {
    const auto before = applied.find({std::string(migration.component), migration.number});
    const bool leaves_gap = !pending.empty() && pending.back().component == migration.component;
    if (before == applied.end()) {
      pending.push_back(migration);
    } else if (before->second != checksumOf(migration)) {
      return absl::FailedPreconditionError(fmt::format(
          "{} was changed after it was applied; add a new one instead", describe(migration)));
    } else if (leaves_gap) {
      return absl::FailedPreconditionError(fmt::format(
          "{} is applied, but {} before it is not", describe(migration), describe(pending.back())));
    }
  }
  return pending;
}

}  // namespace strata::postgres
