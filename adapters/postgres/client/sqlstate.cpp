#include "adapters/postgres/client/sqlstate.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "strata/base/backend_error.h"

namespace strata::postgres {
namespace {

using enum absl::StatusCode;

struct Row {
  std::string_view prefix;  // a whole SQLSTATE, or the two characters of a class
  SqlStateMeaning meaning;
};

constexpr bool kSafe = true;
// Errors about values quote them: `invalid input syntax for type uuid: "..."`.
constexpr bool kMayQuoteValues = false;

// Codes are those of PostgreSQL 15's appendix A. A whole code wins over its class. The code of the
// status is chosen by what the caller should do, as Store<T> lists it.
constexpr Row kRows[] = {
    // The server is not there, or is going or coming: retry later.
    {"08", {kUnavailable, "connection failure", kSafe}},
    {"57P01", {kUnavailable, "server is shutting down or ended the session", kSafe}},
    {"57P02", {kUnavailable, "server crashed", kSafe}},
    {"57P03", {kUnavailable, "server is starting, stopping or recovering", kSafe}},
    {"57P04", {kUnavailable, "database was dropped", kSafe}},
    {"57P05", {kUnavailable, "session was idle for too long", kSafe}},
    {"25006", {kUnavailable, "server is read-only (a standby?)", kSafe}},
    {"25P03", {kUnavailable, "transaction was idle for too long", kSafe}},
    {"58", {kUnavailable, "system error of the server", kMayQuoteValues}},
    // Time ran out.
    {"57014", {kDeadlineExceeded, "canceled, or over its time limit", kSafe}},
    {"55P03", {kUnavailable, "lock not available", kSafe}},
    // Too much at once.
    {"53", {kResourceExhausted, "server is out of resources", kSafe}},
    {"53100", {kUnavailable, "server's disk is full", kSafe}},
    {"53300", {kResourceExhausted, "too many connections", kSafe}},
    {"54", {kInvalidArgument, "a limit of the server was exceeded", kMayQuoteValues}},
    // Other transactions won; nothing happened.
    {"40", {kAborted, "transaction rolled back", kSafe}},
    {"40001", {kAborted, "serialization failure", kSafe}},
    {"40003", {kUnknown, "outcome of the statement unknown", kSafe}},
    {"40P01", {kAborted, "deadlock", kSafe}},
    // Who is asking.
    {"28", {kPermissionDenied, "credentials refused", kMayQuoteValues}},
    {"28P01", {kPermissionDenied, "wrong user name or password", kMayQuoteValues}},
    {"42501", {kPermissionDenied, "insufficient privilege", kSafe}},
    // The value.
    {"22", {kInvalidArgument, "a value that the column cannot hold", kMayQuoteValues}},
    {"21", {kInvalidArgument, "cardinality violation", kMayQuoteValues}},
    {"23", {kFailedPrecondition, "constraint violation", kMayQuoteValues}},
    {"23502", {kFailedPrecondition, "not-null violation", kMayQuoteValues}},
    {"23503", {kFailedPrecondition, "foreign key violation", kMayQuoteValues}},
    {"23505", {kAlreadyExists, "unique violation", kMayQuoteValues}},
    {"23514", {kFailedPrecondition, "check violation", kMayQuoteValues}},
    {"44", {kFailedPrecondition, "check option violation", kMayQuoteValues}},
    // The database is not set up for what was asked of it.
    {"3D000", {kFailedPrecondition, "unknown database", kMayQuoteValues}},
    {"3F000", {kFailedPrecondition, "unknown schema", kSafe}},
    {"42", {kFailedPrecondition, "statement does not fit the database", kSafe}},
    {"42601", {kFailedPrecondition, "syntax error", kSafe}},
    {"42703", {kFailedPrecondition, "undefined column", kSafe}},
    {"42804", {kFailedPrecondition, "datatype mismatch", kSafe}},
    {"42P01", {kFailedPrecondition, "undefined table", kSafe}},
    {"42P10", {kFailedPrecondition, "no unique index on the key columns", kSafe}},
    {"0A", {kFailedPrecondition, "feature not supported", kSafe}},
    {"25", {kFailedPrecondition, "invalid transaction state", kSafe}},
    {"26", {kInternal, "unknown prepared statement (a pooler in transaction mode?)", kSafe}},
    {"2D", {kFailedPrecondition, "invalid transaction termination", kSafe}},
    {"2F", {kFailedPrecondition, "error in a function", kMayQuoteValues}},
    {"55", {kFailedPrecondition, "object not in the required state", kSafe}},
    {"P0", {kFailedPrecondition, "error raised by a trigger or function", kMayQuoteValues}},
    // What is stored is damaged.
    {"XX001", {kDataLoss, "data corrupted", kMayQuoteValues}},
    {"XX002", {kDataLoss, "index corrupted", kMayQuoteValues}},
};

constexpr SqlStateMeaning kUnknownMeaning{kInternal, "unexpected error", kMayQuoteValues};

const Row* find(std::string_view prefix) {
  const auto* row = std::ranges::find(kRows, prefix, &Row::prefix);
  return row == std::end(kRows) ? nullptr : row;
}

}  // namespace

SqlStateMeaning meaningOf(std::string_view sqlstate) {
  const Row* row = find(sqlstate);
  if (row == nullptr) row = find(sqlstate.substr(0, 2));
  return row == nullptr ? kUnknownMeaning : row->meaning;
}

bool endsConnection(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "25P03";
}

absl::Status toStatus(std::string_view what, std::string_view sqlstate, std::string_view primary) {
  const SqlStateMeaning meaning = meaningOf(sqlstate);
  std::string message = fmt::format("{}: {} (SQLSTATE {})", what, meaning.condition, sqlstate);
  if (meaning.message_is_safe && !primary.empty()) message += fmt::format(": {}", primary);
  return backendError(absl::Status(meaning.code, message), sqlstate);
}

}  // namespace strata::postgres
