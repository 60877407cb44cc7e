// One of the implementations that run in step: its stores, its unit of work, and what its answers
// are called in words that both sides share.
#pragma once

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/factories/context_store_factory.h"
#include "strata/factories/conversation_config_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/execution_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/records/json_codec.h"

namespace strata::lockstep {

// Every id that a test gives ends like this, so any other was made by a store.
inline constexpr std::string_view kGiven = "-5afe5afe5afe";

// The place in `text` of the first UUID from `from` on, or its end.
inline std::size_t findUuid(std::string_view text, std::size_t from) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const auto fits = [](char c, char shape) {
    return shape == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
  };
  constexpr std::size_t kFirstDash = 8;
  for (std::size_t dash = text.find('-', from + kFirstDash); dash < text.size();
       dash = text.find('-', dash + 1)) {
    const std::string_view part = text.substr(dash - kFirstDash, kShape.size());
    if (std::ranges::equal(part, kShape, fits)) return dash - kFirstDash;
  }
  return text.size();
}

inline constexpr std::size_t kUuidLength = 36;

class Side {
 public:
  explicit Side(Backends backends)
      : conversations(*createConversationStore(backends)),
        paths(*createPathStore(backends)),
        contexts(*createContextStore(backends)),
        executions(*createExecutionStore(backends)),
        configs(*createConversationConfigStore(backends)),
        backends_(std::move(backends)) {}

  ReadOptions reading() const { return {.unit = unit_.get()}; }
  WriteOptions writing() const { return {.unit = unit_.get()}; }

  // Ids that stores make differ; "#0" is the first that was seen here, and so on.
  std::string real(const std::string& name) const {
    return name.starts_with('#') ? made_.at(std::stoul(name.substr(1))) : name;
  }
  std::optional<std::string> real(const std::optional<std::string>& name) const {
    return name ? std::optional(real(*name)) : std::nullopt;
  }
  // `answer` with those names in the place of ids.
  std::string inWords(std::string_view answer) {
    std::string words;
    std::size_t done = 0;
    for (std::size_t at = findUuid(answer, 0); at < answer.size(); at = findUuid(answer, done)) {
      words += answer.substr(done, at - done);
      words += nameOf(answer.substr(at, kUuidLength));
      done = at + kUuidLength;
    }
    return words + std::string(answer.substr(done));
  }

  bool inUnit() const { return unit_ != nullptr; }
  absl::Status begin() {
    auto begun = beginUnitOfWork(backends_);
    if (!begun.ok()) return begun.status();
    unit_ = *std::move(begun);
    return absl::OkStatus();
  }
  absl::Status commit() {
    absl::Status status = unit_->commit();
    unit_.reset();
    return status;
  }
  void rollback() { unit_.reset(); }
  // For another sequence.
  void startAnew() {
    rollback();
    made_.clear();
    names_.clear();
  }

  const std::unique_ptr<ConversationStore> conversations;
  const std::unique_ptr<PathStore> paths;
  const std::unique_ptr<ContextStore> contexts;
  const std::unique_ptr<ExecutionStore> executions;
  const std::unique_ptr<ConversationConfigStore> configs;

 private:
  std::string nameOf(std::string_view id) {
    if (id.ends_with(kGiven)) return std::string(id);
    const auto [at, is_new] = names_.emplace(id, "#" + std::to_string(made_.size()));
    if (is_new) made_.emplace_back(id);
    return at->second;
  }

  const Backends backends_;
  std::unique_ptr<UnitOfWork> unit_;
  std::vector<std::string> made_;
  std::map<std::string, std::string, std::less<>> names_;
};

// ---- What a store answered, as text ----

inline std::string textOf(const Access& access) {
  return (access.allowed ? "allowed: " : "denied: ") + access.reason;
}
inline std::string textOf(std::int64_t count) { return std::to_string(count); }
inline std::string textOf(const ConversationPage& page) {
  return encodeJson(page.conversations) + " next " + page.next_cursor.value_or("none");
}
inline std::string textOf(const MergeResult& merge) {
  return encodeJson(merge.source) + encodeJson(merge.target) + encodeJson(merge.added);
}
inline std::string textOf(const PathResolution& resolution) {
  return encodeJson(resolution.chain) + encodeJson(resolution.messages);
}
inline std::string textOf(const CreatedExecutionContext& made) {
  return (made.created ? "created " : "there ") + encodeJson(made.context);
}
// Each side counts its own.
inline std::string textOf(Version) { return "a version"; }
template <typename T>
std::string textOf(const Snapshot<T>& snapshot) {
  return snapshot == nullptr ? "null" : encodeJson(*snapshot);
}
template <typename T>
std::string textOf(const T& value) {
  return encodeJson(value);
}

inline std::string answerOf(Side& side, const absl::Status& status) {
  if (status.ok()) return "OK";
  const absl::string_view message = status.message();
  return absl::StatusCodeToString(status.code()) + ": " +
         side.inWords({message.data(), message.size()});
}
template <typename T>
std::string answerOf(Side& side, const absl::StatusOr<T>& result) {
  return result.ok() ? "OK " + side.inWords(textOf(*result)) : answerOf(side, result.status());
}

}  // namespace strata::lockstep
