#include "stores/conversations/conversation/conversation_records.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace strata::internal {
namespace {

absl::Status readOnly() {
  return absl::UnimplementedError("conversations are changed by the ConversationStore");
}

class ConversationRecords final : public Store<Conversation> {
 public:
  explicit ConversationRecords(std::shared_ptr<Transactor<ConversationTables>> transactor)
      : transactor_(std::move(transactor)), uncounted_(*Metrics::none(), "", "") {}

  absl::StatusOr<Snapshot<Conversation>> get(const Id& id, const ReadOptions& options) override {
    return getMany({&id, 1}, options).front();
  }

  Snapshots<Conversation> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    Snapshots<Conversation> answers(ids.size(), Snapshot<Conversation>());
    std::map<std::string, Asked> by_tenant;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (absl::Status status = checkId(entityInfo<Conversation>(), ids[i]); !status.ok()) {
        answers[i] = status;
        continue;
      }
      const std::vector<std::string> segments = ids[i].segments();
      Asked& asked = by_tenant[segments[0]];
      asked.ids.push_back(segments[1]);
      asked.places.push_back(i);
    }
    for (const auto& [tenant, asked] : by_tenant) ask(tenant, asked, options, answers);
    return answers;
  }

  absl::StatusOr<Version> put(const Conversation&, const WriteOptions&) override {
    return readOnly();
  }
  absl::StatusOr<Version> remove(const Id&, const WriteOptions&) override { return readOnly(); }
  Health healthCheck() override { return transactor_->healthCheck(); }

 private:
  struct Asked {
    std::vector<std::string> ids;
    std::vector<std::size_t> places;  // of their answers
  };

  void ask(const std::string& tenant, const Asked& asked, const ReadOptions& options,
           Snapshots<Conversation>& answers) {
    const absl::Status status =
        transactor_->read(uncounted_, options, [&](ConversationTables& tables) -> absl::Status {
          auto found = load(tables, tenant, asked.ids);
          if (!found.ok()) return found.status();
          for (std::size_t i = 0; i < asked.places.size(); ++i) {
            answers[asked.places[i]] = (*found)[i];
          }
          return absl::OkStatus();
        });
    if (status.ok()) return;
    for (std::size_t place : asked.places) answers[place] = status;
  }

  static absl::StatusOr<std::vector<Snapshot<Conversation>>> load(
      ConversationTables& tables, const std::string& tenant, const std::vector<std::string>& ids) {
    if (ids.size() > 1) return tables.conversations(tenant, ids);
    auto found = tables.conversation(tenant, ids.front());
    if (!found.ok()) return found.status();
    return std::vector<Snapshot<Conversation>>{*found};
  }

  const std::shared_ptr<Transactor<ConversationTables>> transactor_;
  // The layers above count.
  const StoreOperation uncounted_;
};

}  // namespace

std::unique_ptr<Store<Conversation>> makeConversationRecords(
    std::shared_ptr<Transactor<ConversationTables>> transactor) {
  return std::make_unique<ConversationRecords>(std::move(transactor));
}

}  // namespace strata::internal
