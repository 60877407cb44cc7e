#include "strata/stores/clarify/clarify_session_store.h"

#include <utility>

#include "stores/clarify/clarify_rules.h"
#include "stores/clarify/clarify_stores.h"

namespace strata {
namespace {

constexpr const char* kStore = "clarify_sessions";
constexpr const char* kSession = "session";

class RuledClarifySessionStore final : public ClarifySessionStore {
 public:
  RuledClarifySessionStore(std::shared_ptr<ClarifyDatabase> database,
                           std::shared_ptr<Metrics> metrics)
      : database_(std::move(database)), metrics_(std::move(metrics)) {}

  absl::StatusOr<ClarifySession> create(const ClarifySession& session,
                                        const WriteOptions& options) override {
    ClarifySession made{.user_id = session.user_id, .title = session.title};
    made.created_at = made.last_message_at = database_->now();
    const auto which = recordOfUser(
        made.user_id, session.id.empty() ? newUuid(made.created_at) : session.id, "id");
    if (!which.ok()) return which.status();
    made.id = which->id;
    absl::Status status = validate(typeInfo<ClarifySession>(), &made);
    if (!status.ok()) return status;
    return database_->write<ClarifySession>(
        create_, made.user_id, options,
        [&](ClarifyTables& tables) -> absl::StatusOr<ClarifySession> {
          absl::Status inserted = insertNew<ClarifySession>(
              tables, tables.sessions(), made, kSession, &UserProfile::total_clarify_sessions);
          if (!inserted.ok()) return inserted;
          return made;
        });
  }

  absl::StatusOr<ClarifySession> archive(std::string_view user_id, std::string_view session_id,
                                         const WriteOptions& options) override {
    const auto which = recordOfUser(user_id, session_id, "session_id");
    if (!which.ok()) return which.status();
    return database_->write<ClarifySession>(
        archive_, which->user_id, options,
        [&](ClarifyTables& tables) -> absl::StatusOr<ClarifySession> {
          auto session = lockOfUser<ClarifySession>(tables.sessions(), *which, kSession);
          if (!session.ok() || session->status == SessionStatus::kArchived) return session;
          session->status = SessionStatus::kArchived;
          absl::Status updated = tables.sessions().update(*session);
          if (!updated.ok()) return updated;
          return session;
        });
  }

  absl::Status remove(std::string_view user_id, std::string_view session_id,
                      const WriteOptions& options) override {
    const auto which = recordOfUser(user_id, session_id, "session_id");
    if (!which.ok()) return which.status();
    return database_
        ->write<bool>(remove_, which->user_id, options,
                      [&](ClarifyTables& tables) {
                        return removeOfUser<ClarifySession>(tables.sessions(), *which, kSession);
                      })
        .status();
  }

  absl::StatusOr<ClarifySession> noteMessage(std::string_view user_id, std::string_view session_id,
                                             const WriteOptions& options) override {
    const auto which = recordOfUser(user_id, session_id, "session_id");
    if (!which.ok()) return which.status();
    return database_->write<ClarifySession>(
        note_message_, which->user_id, options,
        [&](ClarifyTables& tables) -> absl::StatusOr<ClarifySession> {
          auto noted = tables.sessions().noteMessage(which->user_id, which->id, database_->now());
          if (!noted.ok()) return noted.status();
          if (!*noted) return noneOfUser(kSession);
          return **std::move(noted);
        });
  }

  absl::StatusOr<ClarifySession> get(std::string_view user_id, std::string_view session_id,
                                     const ReadOptions& options) override {
    const auto which = recordOfUser(user_id, session_id, "session_id");
    if (!which.ok()) return which.status();
    return database_->read<ClarifySession>(get_, options, [&](ClarifyTables& tables) {
      return findOfUser<ClarifySession>(tables.sessions(), *which, kSession);
    });
  }

  absl::StatusOr<std::vector<ClarifySession>> list(std::string_view user_id,
                                                   const SessionQuery& query,
                                                   const ReadOptions& options) override {
    absl::Status status = checkUserId(user_id);
    if (status.ok()) status = checkListLimit(query.limit);
    if (!status.ok()) return status;
    return database_->read<std::vector<ClarifySession>>(list_, options, [&](ClarifyTables& tables) {
      return tables.sessions().list(std::string(user_id), query.status, query.limit);
    });
  }

  Health healthCheck() override { return database_->healthCheck(); }

 private:
  const std::shared_ptr<ClarifyDatabase> database_;
  const std::shared_ptr<Metrics> metrics_;
  const StoreOperation create_{*metrics_, kStore, "create_session"};
  const StoreOperation archive_{*metrics_, kStore, "archive_session"};
  const StoreOperation remove_{*metrics_, kStore, "remove_session"};
  const StoreOperation note_message_{*metrics_, kStore, "note_message"};
  const StoreOperation get_{*metrics_, kStore, "get_session"};
  const StoreOperation list_{*metrics_, kStore, "list_sessions"};
};

}  // namespace

std::unique_ptr<ClarifySessionStore> makeClarifySessionStore(
    std::shared_ptr<ClarifyDatabase> database, std::shared_ptr<Metrics> metrics) {
  return std::make_unique<RuledClarifySessionStore>(std::move(database), std::move(metrics));
}

}  // namespace strata
