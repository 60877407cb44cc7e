#include "adapters/postgres/client/url_parameters.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "adapters/postgres/client/conninfo.h"
#include "adapters/postgres/client/pool_config.h"
#include "src/base/url.h"

namespace strata::postgres {
namespace {

using internal::cutAt;
using internal::ForeignName;

constexpr std::string_view kSchemaAdvice =
    "name the schema in the search path of the role (ALTER ROLE … SET search_path = …); \"public\" "
    "is there by default";
constexpr std::string_view kPrepareAdvice = "write prepare_statements=on, off or auto";
constexpr std::string_view kSslAdvice =
    "write sslmode=require, or verify-full with sslrootcert=FILE to check the certificate";

// Parameters of Prisma, JDBC, SQLAlchemy with asyncpg, node-postgres, Go and Npgsql.
constexpr ForeignName kForeign[] = {
    {"schema", kSchemaAdvice},
    {"currentSchema", kSchemaAdvice},
    {"search_path", kSchemaAdvice},
    {"ssl", "write sslmode=require, or another sslmode (of \"ssl\" only \"true\" is known)"},
    {"sslaccept", kSslAdvice},
    {"sslidentity", "write sslcert=FILE and sslkey=FILE"},
    {"sslfactory", kSslAdvice},
    {"tls", kSslAdvice},
    {"prepareThreshold", kPrepareAdvice},
    {"preparedStatementCacheQueries", kPrepareAdvice},
    {"prepared_statements", kPrepareAdvice},
    {"prepared_statement_cache_size", kPrepareAdvice},
    {"prepared_statement_name_func", kPrepareAdvice},
    {"statement_cache_mode", kPrepareAdvice},
    {"default_query_exec_mode", kPrepareAdvice},
    {"pool", "write pool_size=N"},
    {"max", "write pool_size=N"},
    {"pool_max_conns", "write pool_size=N"},
    {"max_pool_size", "write pool_size=N"},
    {"min", "connections are made when they are needed; remove it"},
    {"pool_min_conns", "connections are made when they are needed; remove it"},
    {"max_overflow", "write pool_size=N"},
    {"pool_recycle", "write pool_max_age_seconds=N"},
    {"pool_max_conn_lifetime", "write pool_max_age_seconds=N"},
    {"max_connection_lifetime", "write pool_max_age_seconds=N"},
    {"max_idle_connection_lifetime", "write pool_max_idle_unproven_seconds=N"},
    {"connectTimeout", "write connect_timeout=SECONDS"},
    {"loginTimeout", "write connect_timeout=SECONDS"},
    {"timeout", "write connect_timeout=SECONDS"},
    {"socketTimeout", "write pool_statement_timeout_ms=N"},
    {"socket_timeout", "write pool_statement_timeout_ms=N"},
    {"command_timeout", "write pool_statement_timeout_ms=N"},
    {"statement_timeout", "write pool_statement_timeout_ms=N"},
    {"ApplicationName", "write application_name=NAME"},
    {"targetServerType", "write target_session_attrs=read-write"},
};

// What only says where a URL comes from, or asks for what is so anyway.
constexpr std::string_view kWithoutEffect[] = {"supa", "uselibpqcompat"};

struct Choice {
  std::string_view name;
  std::string_view values;  // each between blanks
  std::string_view requirement;
};

// libpq would refuse these as it connects, with a message that quotes them.
constexpr Choice kChoices[] = {
    {"sslmode", " disable allow prefer require verify-ca verify-full ",
     "must be disable, allow, prefer, require, verify-ca or verify-full (nearest to the "
     "\"no-verify\" "
     "of node-postgres is require: encrypted, without a check of the certificate)"},
    {"channel_binding", " disable prefer require ", "must be disable, prefer or require"},
    {"gssencmode", " disable prefer require ", "must be disable, prefer or require"},
    {"target_session_attrs", " any read-write read-only primary standby prefer-standby ",
     "must be any, read-write, read-only, primary, standby or prefer-standby"},
};

absl::Status wrong(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("the database URL: {}", what));
}

absl::Status wrongValue(std::string_view name, std::string_view requirement) {
  return wrong(fmt::format("the parameter \"{}\" {}", name, requirement));
}

bool isOfLibpq(std::string_view name) {
  static const auto* const names = [] {
    auto* found = new std::set<std::string, std::less<>>;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse("", nullptr), &PQconninfoFree);
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
      found->insert(option->keyword);
    }
    return found;
  }();
  return names->contains(name);
}

std::optional<std::int64_t> wholeNumber(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

// Which of its parameters libpq gets, and what the others say.
class Parameters {
 public:
  // True: libpq gets it. `all` is the text that the name may be shown from.
  absl::StatusOr<bool> take(std::string_view name, std::string_view value, std::string_view all);

  DatabasePoolConfig pool;

 private:
  absl::Status set(std::string_view name, const DatabasePoolConfig& said);
  // None: it is not one of those.
  std::optional<absl::Status> takeOurs(std::string_view name, std::string_view value);
  std::optional<absl::Status> takeForeign(std::string_view name, std::string_view value);
};

absl::Status checkChoice(std::string_view name, std::string_view value) {
  const auto* choice = std::ranges::find(kChoices, name, &Choice::name);
  if (choice == std::end(kChoices) || value.empty()) return absl::OkStatus();
  const bool known = value.find(' ') == std::string_view::npos &&
                     choice->values.find(fmt::format(" {} ", value)) != std::string_view::npos;
  return known ? absl::OkStatus() : wrongValue(name, choice->requirement);
}

absl::StatusOr<bool> Parameters::take(std::string_view name, std::string_view value,
                                      std::string_view all) {
  if (const auto ours = takeOurs(name, value)) {
    return ours->ok() ? absl::StatusOr<bool>(false) : *ours;
  }
  if (const auto foreign = takeForeign(name, value)) {
    return foreign->ok() ? absl::StatusOr<bool>(false) : *foreign;
  }
  if (isOfLibpq(name)) {
    const absl::Status fits = checkChoice(name, value);
    if (name == "connect_timeout" && !wholeNumber(value)) {
      return wrongValue(name, "must be a whole number of seconds");
    }
    return fits.ok() ? absl::StatusOr<bool>(true) : fits;
  }
  // JDBC's, which libpq knows in a URL.
  if (name == "ssl" && value == "true") return true;
  return wrong(internal::unknownParameter(name, all, kForeign));
}

// One that says what another has said is a contradiction, or at best a mistake.
absl::Status Parameters::set(std::string_view name, const DatabasePoolConfig& said) {
  DatabasePoolConfig both = pool;
  const auto add = [](auto& field, const auto& value) {
    if (!value) return true;
    if (field) return false;
    field = value;
    return true;
  };
  const bool is_new =
      add(both.size, said.size) && add(both.acquire_timeout, said.acquire_timeout) &&
      add(both.statement_timeout, said.statement_timeout) && add(both.max_age, said.max_age) &&
      add(both.max_idle_unproven, said.max_idle_unproven) &&
      add(both.prepare_statements, said.prepare_statements);
  if (!is_new) return wrongValue(name, "says again what another parameter has said");
  pool = both;
  return absl::OkStatus();
}

std::optional<absl::Status> Parameters::takeOurs(std::string_view name, std::string_view value) {
  DatabasePoolConfig said;
  if (name == kPrepareParameter) {
    said.prepare_statements = readPrepareStatements(value);
    return said.prepare_statements ? set(name, said) : wrongValue(name, kPrepareRequirement);
  }
  for (const PoolNumber& number : poolNumbers()) {
    if (number.parameter.empty() || number.parameter != name) continue;
    return number.read(value, said) ? set(name, said) : wrongValue(name, number.requirement());
  }
  return std::nullopt;
}

// Those whose meaning is clear.
std::optional<absl::Status> Parameters::takeForeign(std::string_view name, std::string_view value) {
  DatabasePoolConfig said;
  if (std::ranges::find(kWithoutEffect, name) != std::end(kWithoutEffect)) return absl::OkStatus();
  if (name == "pgbouncer") {
    if (value == "false") return absl::OkStatus();
    if (value != "true") return wrongValue(name, "must be true or false");
    said.prepare_statements = PrepareStatements::kOff;
    return set(name, said);
  }
  if (name == "statement_cache_size") {
    if (value != "0")
      return wrong(internal::unknownParameter(name, "", {{{name, kPrepareAdvice}}}));
    said.prepare_statements = PrepareStatements::kOff;
    return set(name, said);
  }
  if (name == "connection_limit") {
    const PoolNumber& size = poolNumbers().front();
    return size.read(value, said) ? set(name, said) : wrongValue(name, size.requirement());
  }
  if (name == "pool_timeout") {
    constexpr std::int64_t kMostSeconds = 24 * 60 * 60;
    const auto seconds = wholeNumber(value);
    if (!seconds || *seconds < 1 || *seconds > kMostSeconds) {
      return wrongValue(name,
                        "must be a whole number of seconds from 1 to 86400 (or write "
                        "pool_acquire_timeout_ms)");
    }
    said.acquire_timeout = absl::Seconds(*seconds);
    return set(name, said);
  }
  return std::nullopt;
}

// Where the parameters of a URL begin, as libpq finds it: a '?' in front of the '@' belongs to the
// password.
std::size_t queryStart(std::string_view url) {
  const std::size_t authority = url.find("://") + 3;
  const std::size_t at = url.find_first_of("@/", authority);
  const bool has_credentials = at != std::string_view::npos && url[at] == '@';
  return url.find('?', has_credentials ? at : authority);
}

absl::StatusOr<UrlParameters> splitUrl(std::string_view url) {
  const std::size_t start = queryStart(url);
  if (start == std::string_view::npos) return UrlParameters{.libpq = std::string(url), .pool = {}};
  const std::string_view all = url.substr(start + 1);
  std::string kept(url.substr(0, start));
  char separator = '?';
  Parameters parameters;
  for (std::optional<std::string_view> rest = all; rest && !rest->empty();) {
    std::string_view one = *rest;
    rest = cutAt(one, '&');
    std::string_view name_text = one;
    const auto value_text = cutAt(name_text, '=');
    const auto name = internal::percentDecoded(name_text);
    const auto value = internal::percentDecoded(value_text.value_or(""));
    if (!value_text || !name || !value) {
      return wrong("a parameter after the '?' is not of the form name=value");
    }
    auto for_libpq = parameters.take(*name, *value, all);
    if (!for_libpq.ok()) return for_libpq.status();
    if (!*for_libpq) continue;
    if (value_text->find('=') != std::string_view::npos) {
      return wrongValue(*name, "holds an '=', which must be percent-encoded (%3D)");
    }
    kept += fmt::format("{}{}", separator, one);
    separator = '&';
  }
  return UrlParameters{.libpq = std::move(kept), .pool = parameters.pool};
}

constexpr std::string_view kBlanks = " \t\r\n\v\f";

struct Pair {
  std::string name;
  std::string value;
  bool quoted = false;
};

// Cuts the next of several key=value pairs off `text`, by libpq's rules. None: it is no pair.
std::optional<Pair> cutPair(std::string_view& text) {
  Pair pair;
  const std::size_t name_end = std::min(text.find_first_of(" \t\r\n\v\f="), text.size());
  pair.name = text.substr(0, name_end);
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks, name_end), text.size()));
  if (!text.starts_with('=')) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks, 1), text.size()));
  pair.quoted = text.starts_with('\'');
  if (pair.quoted) text.remove_prefix(1);
  const std::string_view ends = pair.quoted ? "'" : kBlanks;
  while (!text.empty() && ends.find(text.front()) == std::string_view::npos) {
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    pair.value += text.front();
    text.remove_prefix(1);
  }
  if (pair.quoted && text.empty()) return std::nullopt;
  if (pair.quoted) text.remove_prefix(1);
  return pair;
}

absl::StatusOr<UrlParameters> splitPairs(std::string_view text) {
  std::string kept;
  Parameters parameters;
  bool may_be_password = false;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    if (text.empty()) return UrlParameters{.libpq = std::move(kept), .pool = parameters.pool};
    const std::optional<Pair> pair = cutPair(text);
    if (!pair)
      return wrong(
          "it is neither key=value pairs nor begins with postgresql://, as in "
          "postgresql://user:password@host:port/name");
    // Behind an unquoted password that has a blank in it.
    auto for_libpq = parameters.take(pair->name, pair->value, may_be_password ? "@" : "");
    if (!for_libpq.ok()) return for_libpq.status();
    may_be_password = pair->name == "password" && !pair->quoted;
    if (*for_libpq) kept += fmt::format("{}={} ", pair->name, quotedSetting(pair->value));
  }
}

}  // namespace

absl::StatusOr<UrlParameters> splitParameters(const Secret& url) {
  const std::string_view text = url.reveal();
  const bool is_url = text.starts_with("postgresql://") || text.starts_with("postgres://");
  return is_url ? splitUrl(text) : splitPairs(text);
}

}  // namespace strata::postgres
