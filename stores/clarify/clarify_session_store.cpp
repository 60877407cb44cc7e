#include "strata/stores/clarify/clarify_session_store.h"

#include <utility>

#include "stores/base/text_limits.h"
#include "stores/clarify/clarify_stores.h"
#include "stores/clarify/user_records.h"

namespace strata::internal {
namespace {

constexpr const char* kStore = "clarify_sessions";

class RuledClarifySessionStore final : public ClarifySessionStore {
 public:
  RuledClarifySessionStore(std::shared_ptr<ClarifyDatabase> database,
                           std::shared_ptr<Metrics> metrics)
      : database_(std::move(database)), metrics_(std::move(metrics)) {}

  absl::StatusOr<ClarifySession> create(const ClarifySession& session,
                                        const WriteOptions& options) override {
    ClarifySession made{.id = session.id, .user_id = session.user_id, .title = session.title};
    made.created_at = made.last_message_at = database_->now();
    absl::Status status = records_.identify(made);
    if (status.ok()) status = validateRecord(made);
    if (!status.ok()) return status;
    return records_.insert(create_, made, options, &UserProfile::total_clarify_sessions);
  }

  absl::StatusOr<ClarifySession> archive(std::string_view user_id, std::string_view session_id,
                                         const WriteOptions& options) override {
    return records_.change(archive_, user_id, session_id, options, [](ClarifySession& session) {
      session.status = SessionStatus::kArchived;
      return absl::OkStatus();
    });
  }

  absl::Status remove(std::string_view user_id, std::string_view session_id,
                      const WriteOptions& options) override {
    return records_.remove(remove_, user_id, session_id, options);
  }

  absl::StatusOr<ClarifySession> noteMessage(std::string_view user_id, std::string_view session_id,
                                             const WriteOptions& options) override {
    return records_.write<ClarifySession>(
        note_message_, user_id, session_id, options,
        [&](ClarifySessionRows& sessions, const RecordOfUser& which) {
          return records_.found(sessions.noteMessage(which.user_id, which.id, database_->now()));
        });
  }

  absl::StatusOr<ClarifySession> get(std::string_view user_id, std::string_view session_id,
                                     const ReadOptions& options) override {
    return records_.get(get_, user_id, session_id, options);
  }

  absl::StatusOr<std::vector<ClarifySession>> list(std::string_view user_id,
                                                   const SessionQuery& query,
                                                   const ReadOptions& options) override {
    return records_.list(list_, user_id, query.status, query.limit, options);
  }

  Health healthCheck() override { return database_->healthCheck(); }

 private:
  const std::shared_ptr<ClarifyDatabase> database_;
  const UserRecords<ClarifySession> records_{*database_};
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

}  // namespace strata::internal
