// Connection strings: checked, completed with our defaults, and described without their secrets.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/adapters/postgres/database_pool_config.h"
#include "strata/base/secret.h"
#include "strata/base/secret_source.h"

namespace strata::postgres {

struct ConnInfo {
  // In libpq's key=value form, ready for a connection.
  Secret text;
  // Where it leads, for messages: `host 127.0.0.1, port 5432, database "app"`. A part that might be
  // a piece of a mistyped password is left out.
  std::string place;
  // How long connecting may take, for each address: what was read or added. A day where that says
  // 0, which libpq takes for no limit.
  absl::Duration connect_timeout;
  // What it says of the pool.
  DatabasePoolConfig pool;
  // Whether it holds a password.
  bool has_password = false;
  // Whether libpq may talk to another host without encryption.
  bool may_be_plain_text = false;
  // Where the password comes from instead, for each connection. Null: from nowhere.
  SecretSource password_source = nullptr;
  // Whether a standby is of no use: unless target_session_attrs allows one.
  bool needs_primary = true;

  ConnInfo withPassword(const Secret& password) const;
};

// Why a standby is refused.
inline constexpr std::string_view kStandby = "it is a standby, and a primary is needed";

// As libpq quotes the value of a key=value pair.
std::string quotedSetting(std::string_view value);

// Reads a URL (postgresql://…) or a key=value string. Adds what it does not say: a connect_timeout,
// an application name, when TCP gives up and, for several hosts, that the primary among them is
// wanted. InvalidArgument names what is wrong and quotes no value: a password with an '@' or a '/'
// in it ends up in any part of a URL.
absl::StatusOr<ConnInfo> readConnInfo(const Secret& url, absl::Duration connect_timeout);

// Logs a warning where passwords and data may cross a network in the clear.
void warnOfPlainText(const ConnInfo& info);

// Why a connection could not be made. `client_message` is libpq's text, which is not quoted: only
// its cause is recognised. `sqlstate` is empty when the server did not answer.
absl::Status connectFailure(const ConnInfo& info, std::string_view sqlstate,
                            std::string_view client_message);

// Why a connection to a standby was of no use, and one that was lost before it was ever used.
absl::Status standbyFailure(const ConnInfo& info);
absl::Status endedAtOnce(const ConnInfo& info);

// Whether such a failure is likely to be over soon: the server is starting, going down to come
// back, or a standby that may be promoted.
bool isNotReady(const absl::Status& failure);

}  // namespace strata::postgres
