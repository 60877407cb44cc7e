#include "adapters/postgres/client/session_settings.h"

#include <fmt/format.h>

#include <iterator>

#include "strata/records/row_codec.h"

namespace strata::postgres {
namespace {

struct Setting {
  const char* name;
  const char* value;
};

// Gone through: every setting of PostgreSQL 15 that a user may change. Not here, with the reason:
//
//   search_path               says where the tables are; only its pg_catalog is put in front
//   role                      says who owns what is created
//   session_replication_role  takes a superuser; a connection with `replica` is refused
//   array_nulls, backslash_quote, escape_string_warning
//                             our arrays quote each element, our strings are standard ones
//   timezone_abbreviations    each set of them has the Z that our times end in
//   lc_*, xmlbinary, xmloption, default_text_search_config
//                             nothing of ours is formatted, matched or sorted by them
//   synchronize_seqscans      what needs an order says so
//   default_tablespace, default_table_access_method, default_toast_compression, synchronous_commit
//                             where and how safely to store is the operator's to say
//   idle_in_transaction_session_timeout
//                             protects others from a client that stopped; an error, never an answer
//   enable_*, *_cost, geqo*, jit*, work_mem, parallel workers, …
//                             another plan, the same answer
constexpr Setting kSettings[] = {
    {"client_encoding", "UTF8"},
    {"standard_conforming_strings", "on"},
    {"TimeZone", "UTC"},
    {"DateStyle", "ISO, MDY"},
    {"IntervalStyle", "postgres"},
    // The shortest text that is read as the same number; from PostgreSQL 12 on 1 would do.
    {"extra_float_digits", "3"},
    {"bytea_output", "hex"},
    {"quote_all_identifiers", "off"},
    // Rows that a policy hides are left out, without an error.
    {"row_security", "on"},
    {"transform_null_equals", "off"},
    // Above 0 an index leaves out rows.
    {"gin_fuzzy_search_limit", "0"},
    // The statement_timeout is for locks too.
    {"lock_timeout", "0"},
    // On, it would end the session with each error.
    {"exit_on_error", "off"},
};

// A transaction over a pooler says these as it begins.
constexpr Setting kOfTransactions[] = {
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_read_only", "off"},
    {"default_transaction_deferrable", "off"},
};

// The pool replaces its sessions itself; one that ends as it is used makes a write's outcome
// unknown.
constexpr Setting kIdle = {"idle_session_timeout", "0"};
constexpr int kFirstWithIdle = 140000;

// What names come before those of pg_catalog, were it not for this.
constexpr std::string_view kRepairedSearchPath =
    "CASE WHEN pg_catalog.array_position(pg_catalog.current_schemas(false),"
    " 'pg_catalog'::pg_catalog.name) OPERATOR(pg_catalog.>) 1 THEN"
    " (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(name), ', ' ORDER BY place)"
    " FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS s(name, place)"
    " WHERE name OPERATOR(pg_catalog.<>) 'pg_catalog') END";

void appendSetting(std::string& sql, const Setting& setting, std::string_view is_local) {
  fmt::format_to(std::back_inserter(sql), ", pg_catalog.set_config('{}', '{}', {})", setting.name,
                 setting.value, is_local);
}

}  // namespace

std::string setUpSql(const SetUp& set_up) {
  const std::string pooled =
      fmt::format("pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.<>) {}", set_up.client_backend);
  std::string is_local = set_up.stay == SetUp::Stay::kYes ? "false" : "true";
  if (set_up.stay == SetUp::Stay::kUnlessPooled) is_local = pooled;
  std::string sql = fmt::format(
      "SELECT {}, pg_catalog.pg_is_in_recovery(),"
      " pg_catalog.current_setting('session_replication_role'), {},"
      " pg_catalog.set_config('statement_timeout', '{}', {})",
      pooled, kRepairedSearchPath, set_up.statement_timeout, is_local);
  for (const Setting& setting : kSettings) appendSetting(sql, setting, is_local);
  for (const Setting& setting : kOfTransactions) appendSetting(sql, setting, is_local);
  if (set_up.server_version >= kFirstWithIdle) appendSetting(sql, kIdle, is_local);
  return sql;
}

std::string localSettingsSql(std::string_view statement_timeout, std::string_view search_path) {
  std::string sql =
      fmt::format("SELECT pg_catalog.set_config('statement_timeout', {}, true)", statement_timeout);
  for (const Setting& setting : kSettings) appendSetting(sql, setting, "true");
  if (!search_path.empty()) {
    sql +=
        fmt::format(", pg_catalog.set_config('search_path', {}, true)", quoteLiteral(search_path));
  }
  return sql;
}

}  // namespace strata::postgres
