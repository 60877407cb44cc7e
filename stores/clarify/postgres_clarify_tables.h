#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stores/base/postgres_transactor.h"
#include "stores/clarify/clarify_tables.h"

namespace strata::internal {

// `Base` is ClarifyRows<T>, or what extends it.
template <typename T, typename Base = ClarifyRows<T>>
class PostgresClarifyRows : public Base {
 public:
  using Status = typename Base::Status;

  explicit PostgresClarifyRows(PostgresSession& session) : session_(session) {}

  absl::StatusOr<std::vector<T>> list(const std::string& user_id,
                                      const std::optional<Status>& status,
                                      std::int64_t limit) override;
  absl::StatusOr<std::vector<T>> shown(absl::Span<const std::string> user_ids) override;
  absl::StatusOr<std::optional<T>> find(const std::string& user_id, const std::string& id) override;
  absl::StatusOr<std::optional<T>> lock(const std::string& user_id, const std::string& id) override;

 protected:
  PostgresSession& session() { return session_; }

 private:
  absl::Status doInsert(const std::string& user_id, const std::vector<T>& records) override;
  absl::Status doUpdate(const T& record) override;
  absl::StatusOr<bool> doRemove(const std::string& user_id, const std::string& id) override;
  absl::Status doRemoveAll(const std::string& user_id) override;

  PostgresSession& session_;
};

class PostgresClarifySessionRows final
    : public PostgresClarifyRows<ClarifySession, ClarifySessionRows> {
 public:
  using PostgresClarifyRows::PostgresClarifyRows;

 private:
  absl::StatusOr<std::optional<ClarifySession>> doNoteMessage(const std::string& user_id,
                                                              const std::string& id,
                                                              Timestamp at) override;
};

class PostgresClarifyTables final : public ClarifyTables {
 public:
  explicit PostgresClarifyTables(PostgresSession& session)
      : session_(session),
        dreams_(session),
        patterns_(session),
        sessions_(session),
        reflections_(session) {}

  ClarifyRows<Dream>& dreams() override { return dreams_; }
  ClarifyRows<ClarifyPattern>& patterns() override { return patterns_; }
  ClarifySessionRows& sessions() override { return sessions_; }
  ClarifyRows<Reflection>& reflections() override { return reflections_; }

  absl::StatusOr<std::vector<UserProfile>> users(absl::Span<const std::string> ids) override;
  absl::StatusOr<std::optional<UserProfile>> lockUser(const std::string& id) override;

 private:
  absl::StatusOr<UserProfile> doPutUser(const UserProfile& user) override;
  absl::Status doUpdateUser(const UserProfile& user) override;
  absl::StatusOr<bool> doRemoveUser(const std::string& id) override;

  PostgresSession& session_;
  PostgresClarifyRows<Dream> dreams_;
  PostgresClarifyRows<ClarifyPattern> patterns_;
  PostgresClarifySessionRows sessions_;
  PostgresClarifyRows<Reflection> reflections_;
};

}  // namespace strata::internal
