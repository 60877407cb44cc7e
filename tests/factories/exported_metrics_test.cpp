// Which metrics the stores export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/execution_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/factories/policy_store_factory.h"
#include "strata/strata.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::IsOk;

// Keeps the operation and result of each counter of calls that is asked for.
class RecordingMetrics final : public Metrics {
 public:
  Counter& counter(const std::string& name, const Labels& labels) override {
    if (name == "strata_store_calls_total") note(labels);
    return metrics_.counter(name, labels);
  }
  Gauge& gauge(const std::string& name, const Labels& labels) override {
    return metrics_.gauge(name, labels);
  }
  Histogram& histogram(const std::string& name, const Labels& labels) override {
    return metrics_.histogram(name, labels);
  }

  std::set<std::string> resultsOf(const std::string& operation) const {
    const std::lock_guard lock(mutex_);
    std::set<std::string> results;
    for (const auto& [of, result] : calls_) {
      if (of == operation) results.insert(result);
    }
    return results;
  }

 private:
  void note(const Labels& labels) {
    std::pair<std::string, std::string> call;
    for (const auto& [name, value] : labels) {
      if (name == "operation") call.first = value;
      if (name == "result") call.second = value;
    }
    const std::lock_guard lock(mutex_);
    calls_.insert(std::move(call));
  }

  mutable std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> calls_;
  InMemoryMetrics metrics_;
};

// `put` was exported with the result `hit`, and `get` with `ok`: series that stay at zero.
TEST(ExportedMetrics, HaveNoResultThatTheOperationCannotHave) {
  const auto metrics = std::make_shared<RecordingMetrics>();
  const auto backends = connect({}, {.metrics = metrics});
  ASSERT_THAT(backends, IsOk());
  ASSERT_THAT(createPolicyStore(*backends), IsOk());
  ASSERT_THAT(createConversationStore(*backends), IsOk());
  ASSERT_THAT(createPathStore(*backends), IsOk());
  ASSERT_THAT(createExecutionStore(*backends), IsOk());
  using Results = std::set<std::string>;
  EXPECT_EQ(metrics->resultsOf("get"), (Results{"absent", "error", "hit"}));
  EXPECT_EQ(metrics->resultsOf("get_many"), (Results{"absent", "error", "hit"}));
  EXPECT_EQ(metrics->resultsOf("put"), (Results{"error", "ok"}));
  EXPECT_EQ(metrics->resultsOf("remove"), (Results{"error", "ok"}));
  EXPECT_EQ(metrics->resultsOf("list_conversations"), (Results{"error", "ok"}));
  EXPECT_EQ(metrics->resultsOf("purge_terminated"), (Results{"error", "ok"}));
  EXPECT_EQ(metrics->resultsOf("get_path"), (Results{"absent", "error", "ok"}));
}

}  // namespace
}  // namespace strata
