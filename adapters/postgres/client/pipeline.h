// Pipeline: several statements in one round trip. They share a transaction unless they begin and
// end one; where one fails, those behind it are skipped.
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <optional>
#include <string>

#include "absl/types/span.h"
#include "adapters/postgres/client/libpq_handles.h"
#include "adapters/postgres/client/statement.h"

namespace strata::postgres {

// Why a statement failed.
struct Failure {
  // Empty where the server gave none: the connection is broken, or nothing could be sent.
  std::string sqlstate;
  // The server's primary message.
  std::string message;
};

// None: `result` is the answer of a statement that succeeded.
std::optional<Failure> failureOf(const PGresult* result);

// The values of parameters, null for NULL.
using ParameterValues = absl::Span<const char* const>;

class Pipeline {
 public:
  // Of a connection that nothing is asked of.
  explicit Pipeline(PGconn* connection);

  void query(const char* sql, ParameterValues values = {});
  void prepare(const char* name, const char* sql);

  struct Outcome {
    std::optional<Failure> failure{};
    // The number of the statement that failed.
    std::size_t failed = 0;
    // What the statement of the number asked for answered.
    Result answer{};
    // It answered more than a page may have; the rest is still to come.
    bool is_too_large = false;
  };
  // Sends them and waits for all answers; with `bound` not for one that is too large.
  Outcome finish(std::size_t wanted, Bound bound = Bound::kNone);

 private:
  void readAnswer(std::size_t number, std::size_t wanted, Outcome& outcome);

  PGconn* const connection_;
  std::size_t statements_ = 0;
  bool sent_ = true;
};

}  // namespace strata::postgres
