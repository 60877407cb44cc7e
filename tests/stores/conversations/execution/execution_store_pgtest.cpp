// createExecutionStore on a PostgreSQL, and what its tables refuse by themselves.
#include "tests/stores/conversations/execution/execution_store_suite.h"

namespace strata {
namespace {

using testing::sharedServers;

INSTANTIATE_TEST_SUITE_P(OnServers, ExecutionStoreSuite, ::testing::Values(postgresStack()),
                         nameOfStack);
INSTANTIATE_TEST_SUITE_P(OnServers, ConcurrentExecutionStores, ::testing::Values(postgresStack()),
                         nameOfStack);

class ExecutionContextTable : public ::testing::Test {
 protected:
  void SetUp() override {
    insertConversation(backends_, tenant_, conversation_, {path_});
    const auto made = store_->createContext(
        {.tenant_id = tenant_, .conversation_id = conversation_, .path_id = path_});
    ASSERT_THAT(made, IsOk());
    id_ = made->context.id;
  }

  // Nothing of the script stays: where its end is reached it is undone there.
  static absl::Status run(const std::string& sql) {
    return sharedServers().postgres().query("BEGIN; " + sql + "; ROLLBACK").status();
  }
  // A second row, of another id, with these expressions for columns of the first.
  absl::Status copyWith(const std::string& conversation, const std::string& path) const {
    return run(
        "INSERT INTO execution_contexts (tenant_id, id, conversation_id, path_id, expires_at)"
        " SELECT tenant_id, gen_random_uuid(), " +
        conversation + ", " + path +
        ", now() + interval '1 hour' FROM execution_contexts "
        "WHERE id = '" +
        id_ + "'");
  }
  absl::Status set(const std::string& assignments) const {
    return run("UPDATE execution_contexts SET " + assignments + " WHERE id = '" + id_ + "'");
  }
  static auto refusedBy(const std::string& constraint) {
    return StatusIs(absl::StatusCode::kInternal, HasSubstr(constraint));
  }

  const Backends backends_ = postgresStack().connect(Clock::system());
  const std::unique_ptr<ExecutionStore> store_ = createExecutionStore(backends_).value();
  const std::string tenant_ = anyUuid();
  const std::string conversation_ = anyUuid();
  const std::string path_ = anyUuid();
  std::string id_;
};

TEST_F(ExecutionContextTable, TakesOneUnterminatedRowForAPath) {
  EXPECT_THAT(copyWith("conversation_id", "path_id"), refusedBy("execution_contexts_one_per_path"));
  ASSERT_THAT(store_->terminateContext(tenant_, id_), IsOk());
  EXPECT_THAT(copyWith("conversation_id", "path_id"), IsOk());
}

TEST_F(ExecutionContextTable, TakesNoPathOfAnotherConversation) {
  const std::string other = anyUuid();
  insertConversation(backends_, tenant_, other);
  EXPECT_THAT(copyWith("'" + other + "'", "path_id"), refusedBy("foreign key"));
}

TEST_F(ExecutionContextTable, TakesNoStatusThatContradictsItself) {
  const auto refused = refusedBy("execution_contexts_check");
  EXPECT_THAT(set("sandbox_status = 'terminated'"), refused);
  EXPECT_THAT(set("terminated_at = now()"), refused);
  EXPECT_THAT(set("expires_at = last_used_at"), refused);
  EXPECT_THAT(set("sandbox_status = 'asleep'"),
              refusedBy("execution_contexts_sandbox_status_check"));
  EXPECT_THAT(set("sandbox_status = 'terminated', terminated_at = now()"), IsOk());
}

TEST_F(ExecutionContextTable, LosesWhatHangsOnAPathThatIsRemoved) {
  ASSERT_THAT(
      sharedServers().postgres().query("DELETE FROM conversation_paths WHERE id = '" + path_ + "'"),
      IsOk());
  EXPECT_THAT(store_->getContext(tenant_, id_), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace strata
