#include "strata/stores/conversations/execution/execution_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/functional/function_ref.h"
#include "stores/base/arguments.h"
#include "stores/base/ids.h"
#include "stores/base/text_limits.h"
#include "stores/base/uuid.h"
#include "stores/conversations/execution/execution_tables.h"
#include "strata/records/described.h"

namespace strata::internal {
namespace {

constexpr const char* kStore = "execution_contexts";
constexpr std::int64_t kMaxLimit = 1000;
// So that what is so old is still a time.
constexpr absl::Duration kMaxAge = absl::Hours(24 * 365 * 100);

absl::Status notFound(const char* what) {
  return absl::NotFoundError(fmt::format("there is no such {} in this tenant", what));
}

absl::Status idInUse() { return absl::AlreadyExistsError("another execution context has this id"); }

std::chrono::microseconds micros(absl::Duration duration) {
  return std::chrono::microseconds(absl::ToInt64Microseconds(duration));
}

absl::Status checkLimit(std::int64_t limit) {
  if (limit >= 1 && limit <= kMaxLimit) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("limit must be from 1 to {}", kMaxLimit));
}

absl::Status checkTtl(absl::Duration ttl) {
  if (ttl >= absl::Microseconds(1) && ttl <= kMaxExecutionTtl) return absl::OkStatus();
  return absl::InvalidArgumentError("ttl must be above zero and at most 24 hours");
}

// Without an id where none is given: it is made with the times.
absl::StatusOr<ExecutionContext> toRecord(const NewExecutionContext& context) {
  Ids ids;
  ExecutionContext record{
      .id = ids.takeOptional(context.id, "id").value_or(""),
      .tenant_id = ids.take(context.tenant_id, "tenant_id"),
      .conversation_id = ids.take(context.conversation_id, "conversation_id"),
      .path_id = ids.take(context.path_id, "path_id"),
      .sandbox_id = context.sandbox_id,
  };
  absl::Status status = ids.ok() ? checkTtl(context.ttl) : ids.status();
  if (status.ok()) status = validateRecord(record);
  if (!status.ok()) return status;
  return record;
}

absl::StatusOr<ExecutionContext> found(absl::StatusOr<std::optional<ExecutionContext>> context) {
  if (!context.ok()) return context.status();
  if (!context->has_value()) return notFound("execution context");
  return **std::move(context);
}

bool isLive(const ExecutionContext& context, Timestamp now) {
  return !context.terminated_at && context.expires_at > now;
}

bool mayBecome(SandboxStatus from, SandboxStatus to) {
  return from != SandboxStatus::kTerminated && to != SandboxStatus::kCreating;
}

// The times of one never run backwards, whatever the clocks of hosts say.
void terminate(ExecutionContext& context, Timestamp now) {
  context.sandbox_status = SandboxStatus::kTerminated;
  context.terminated_at = std::max(now, context.last_used_at);
}

// Its ttl is what lies between its last use and its end.
void use(ExecutionContext& context, std::optional<absl::Duration> ttl, Timestamp now) {
  const auto length = ttl ? micros(*ttl) : context.expires_at - context.last_used_at;
  context.last_used_at = std::max(now, context.last_used_at);
  context.expires_at = context.last_used_at + length;
}

absl::Status become(ExecutionContext& context, const SandboxUpdate& update, Timestamp now) {
  if (!mayBecome(context.sandbox_status, update.status)) {
    return absl::FailedPreconditionError(
        context.terminated_at ? "the execution context is terminated and stays so"
                              : "a sandbox that was created is not being created again");
  }
  context.sandbox_status = update.status;
  if (update.status == SandboxStatus::kTerminated) terminate(context, now);
  if (update.status == SandboxStatus::kReady) context.error_message.reset();
  if (update.error_message) context.error_message = update.error_message;
  if (update.sandbox_id) context.sandbox_id = *update.sandbox_id;
  if (update.resource_usage) context.resource_usage = update.resource_usage;
  return validateRecord(context);
}

class TabledExecutionStore final : public ExecutionStore {
 public:
  TabledExecutionStore(std::unique_ptr<Transactor<ExecutionTables>> tables,
                       std::shared_ptr<Metrics> metrics)
      : metrics_(std::move(metrics)), tables_(std::move(tables)) {}

  absl::StatusOr<CreatedExecutionContext> createContext(const NewExecutionContext& context,
                                                        const WriteOptions& options) override {
    const auto record = toRecord(context);
    if (!record.ok()) return record.status();
    return tables_->write<CreatedExecutionContext>(create_, options, [&](ExecutionTables& tables) {
      return create(tables, context.ttl, *record);
    });
  }

  absl::StatusOr<ExecutionContext> getContext(std::string_view tenant_id, std::string_view id,
                                              const ReadOptions& options) override {
    const auto which = recordOfTenant(tenant_id, id, "id");
    if (!which.ok()) return which.status();
    return tables_->read<ExecutionContext>(get_, options, [&](ExecutionTables& tables) {
      return found(tables.find(which->tenant_id, which->id));
    });
  }

  absl::StatusOr<std::optional<ExecutionContext>> getContextByPath(
      std::string_view tenant_id, std::string_view conversation_id, std::string_view path_id,
      const ReadOptions& options) override {
    Ids ids;
    const std::string tenant = ids.take(tenant_id, "tenant_id");
    const std::string conversation = ids.take(conversation_id, "conversation_id");
    const std::string path = ids.take(path_id, "path_id");
    if (!ids.ok()) return ids.status();
    auto context = tables_->read<std::optional<ExecutionContext>>(
        get_by_path_, options, [&](ExecutionTables& tables) {
          return tables.findUnterminated(tenant, conversation, path);
        });
    if (context.ok() && *context && !isLive(**context, now())) context->reset();
    return context;
  }

  absl::StatusOr<ExecutionContext> touchContext(std::string_view tenant_id, std::string_view id,
                                                std::optional<absl::Duration> ttl,
                                                const WriteOptions& options) override {
    if (ttl) {
      if (absl::Status status = checkTtl(*ttl); !status.ok()) return status;
    }
    return change(touch_, tenant_id, id, options, [&](ExecutionContext& context) -> absl::Status {
      if (!isLive(context, now())) return notFound("live execution context");
      use(context, ttl, now());
      return absl::OkStatus();
    });
  }

  absl::StatusOr<ExecutionContext> updateStatus(std::string_view tenant_id, std::string_view id,
                                                const SandboxUpdate& update,
                                                const WriteOptions& options) override {
    return change(update_status_, tenant_id, id, options,
                  [&](ExecutionContext& context) { return become(context, update, now()); });
  }

  absl::StatusOr<ExecutionContext> terminateContext(std::string_view tenant_id, std::string_view id,
                                                    const WriteOptions& options) override {
    return change(terminate_, tenant_id, id, options, [&](ExecutionContext& context) {
      if (!context.terminated_at) terminate(context, now());
      return absl::OkStatus();
    });
  }

  absl::StatusOr<std::vector<ExecutionContext>> getExpiredContexts(
      std::string_view tenant_id, std::int64_t limit, const ReadOptions& options) override {
    const auto tenant = canonicalUuid(tenant_id, "tenant_id");
    if (!tenant.ok()) return tenant.status();
    if (absl::Status status = checkLimit(limit); !status.ok()) return status;
    return tables_->read<std::vector<ExecutionContext>>(
        get_expired_, options,
        [&](ExecutionTables& tables) { return tables.listExpired(*tenant, now(), limit); });
  }

  absl::StatusOr<std::int64_t> purgeTerminated(std::string_view tenant_id, absl::Duration age,
                                               std::int64_t limit,
                                               const WriteOptions& options) override {
    const auto tenant = canonicalUuid(tenant_id, "tenant_id");
    if (!tenant.ok()) return tenant.status();
    if (absl::Status status = checkLimit(limit); !status.ok()) return status;
    if (age < absl::ZeroDuration() || age > kMaxAge) {
      return absl::InvalidArgumentError("age must be from zero to 100 years");
    }
    return tables_->write<std::int64_t>(purge_, options, [&](ExecutionTables& tables) {
      return tables.removeTerminated(*tenant, now() - micros(age), limit);
    });
  }

  Health healthCheck() override { return tables_->healthCheck(); }

 private:
  using Change = absl::FunctionRef<absl::Status(ExecutionContext&)>;

  Timestamp now() const { return tables_->now(); }

  // `context` says for which path.
  absl::StatusOr<CreatedExecutionContext> create(ExecutionTables& tables, absl::Duration ttl,
                                                 ExecutionContext context) const {
    absl::Status status = lockPath(tables, context);
    if (!status.ok()) return status;
    auto before =
        tables.lockUnterminated(context.tenant_id, context.conversation_id, context.path_id);
    if (!before.ok()) return before.status();
    if (*before && isLive(**before, now())) {
      return CreatedExecutionContext{.context = **std::move(before), .created = false};
    }
    status = checkId(tables, context);
    if (!status.ok()) return status;
    if (*before) {
      terminate(**before, now());
      (*before)->error_message = "it expired and the next one took its place";
      status = tables.update(**before);
    }
    if (status.ok()) status = insert(tables, ttl, context);
    if (!status.ok()) return status;
    return CreatedExecutionContext{
        .context = std::move(context), .created = true, .replaced = *std::move(before)};
  }

  static absl::Status lockPath(ExecutionTables& tables, const ExecutionContext& context) {
    const auto locked = tables.lockConversation(context.tenant_id, context.conversation_id);
    if (!locked.ok()) return locked.status();
    if (!*locked) return notFound("conversation");
    const auto has_path =
        tables.hasPath(context.tenant_id, context.conversation_id, context.path_id);
    if (!has_path.ok()) return has_path.status();
    return *has_path ? absl::OkStatus() : notFound("path of this conversation");
  }

  // Before anything is written, so that a unit of work goes on.
  static absl::Status checkId(ExecutionTables& tables, const ExecutionContext& context) {
    if (context.id.empty()) return absl::OkStatus();
    const auto other = tables.find(context.tenant_id, context.id);
    if (!other.ok()) return other.status();
    return *other ? idInUse() : absl::OkStatus();
  }

  absl::Status insert(ExecutionTables& tables, absl::Duration ttl,
                      ExecutionContext& context) const {
    context.created_at = now();
    if (context.id.empty()) context.id = newUuid(context.created_at);
    context.last_used_at = context.created_at;
    context.expires_at = context.created_at + micros(ttl);
    const auto inserted = tables.insert(context);
    if (!inserted.ok()) return inserted.status();
    return *inserted ? absl::OkStatus() : idInUse();
  }

  // Changes the one of that id; answers what it is then. Nothing is written where nothing changes.
  absl::StatusOr<ExecutionContext> change(const StoreOperation& operation,
                                          std::string_view tenant_id, std::string_view id,
                                          const WriteOptions& options, Change change) {
    const auto which = recordOfTenant(tenant_id, id, "id");
    if (!which.ok()) return which.status();
    return tables_->write<ExecutionContext>(
        operation, options, [&](ExecutionTables& tables) -> absl::StatusOr<ExecutionContext> {
          const auto before = found(tables.lock(which->tenant_id, which->id));
          if (!before.ok()) return before.status();
          ExecutionContext context = *before;
          absl::Status status = change(context);
          if (status.ok() && context != *before) status = tables.update(context);
          if (!status.ok()) return status;
          return context;
        });
  }

  const std::shared_ptr<Metrics> metrics_;
  const std::unique_ptr<Transactor<ExecutionTables>> tables_;
  const StoreOperation create_{*metrics_, kStore, "create_context"};
  const StoreOperation get_{*metrics_, kStore, "get_context"};
  const StoreOperation get_by_path_{*metrics_, kStore, "get_context_by_path"};
  const StoreOperation touch_{*metrics_, kStore, "touch_context"};
  const StoreOperation update_status_{*metrics_, kStore, "update_status"};
  const StoreOperation terminate_{*metrics_, kStore, "terminate_context"};
  const StoreOperation get_expired_{*metrics_, kStore, "get_expired_contexts",
                                    StoreOperation::Absence::kImpossible};
  const StoreOperation purge_{*metrics_, kStore, "purge_terminated",
                              StoreOperation::Absence::kImpossible};
};

}  // namespace

std::unique_ptr<ExecutionStore> makeExecutionStore(
    std::unique_ptr<Transactor<ExecutionTables>> tables, std::shared_ptr<Metrics> metrics) {
  return std::make_unique<TabledExecutionStore>(std::move(tables), std::move(metrics));
}

}  // namespace strata::internal
