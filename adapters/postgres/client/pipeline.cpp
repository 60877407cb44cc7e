#include "adapters/postgres/client/pipeline.h"

#include <utility>

#include "adapters/postgres/client/answer_bound.h"

namespace strata::postgres {
namespace {

std::string fieldOf(const PGresult* result, int field) {
  const char* const text = PQresultErrorField(result, field);
  return text == nullptr ? "" : text;
}

}  // namespace

std::optional<Failure> failureOf(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      return std::nullopt;
    default:
      return Failure{.sqlstate = fieldOf(result, PG_DIAG_SQLSTATE),
                     .message = fieldOf(result, PG_DIAG_MESSAGE_PRIMARY)};
  }
}

Pipeline::Pipeline(PGconn* connection)
    : connection_(connection), sent_(PQenterPipelineMode(connection) == 1) {}

void Pipeline::query(const char* sql, ParameterValues values) {
  sent_ = sent_ && PQsendQueryParams(connection_, sql, static_cast<int>(values.size()), nullptr,
                                     values.data(), nullptr, nullptr, 0) == 1;
  ++statements_;
}

void Pipeline::prepare(const char* name, const char* sql) {
  sent_ = sent_ && PQsendPrepare(connection_, name, sql, 0, nullptr) == 1;
  ++statements_;
}

Pipeline::Outcome Pipeline::finish(std::size_t wanted, Bound bound) {
  Outcome outcome;
  if (!sent_ || PQpipelineSync(connection_) == 0) {
    outcome.failure = Failure{};
    return outcome;
  }
  for (std::size_t number = 0; number < statements_; ++number) {
    if (bound == Bound::kPage && number == wanted && !AnswerBound(connection_).await()) {
      outcome.failure = Failure{};
      outcome.is_too_large = true;
      return outcome;
    }
    readAnswer(number, wanted, outcome);
    if (PQstatus(connection_) != CONNECTION_OK) return outcome;
  }
  const Result sync(PQgetResult(connection_));
  if (PQexitPipelineMode(connection_) == 0 && !outcome.failure) outcome.failure = Failure{};
  return outcome;
}

void Pipeline::readAnswer(std::size_t number, std::size_t wanted, Outcome& outcome) {
  Result result(PQgetResult(connection_));
  std::optional<Failure> failure = failureOf(result.get());
  if (failure && !outcome.failure) {
    outcome.failure = std::move(failure);
    outcome.failed = number;
  }
  if (number == wanted) outcome.answer = std::move(result);
  // The null behind each answer. A broken connection may have more errors to tell.
  while (PQstatus(connection_) == CONNECTION_OK) {
    if (const Result end(PQgetResult(connection_)); end == nullptr) return;
  }
}

}  // namespace strata::postgres
