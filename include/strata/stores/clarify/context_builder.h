// ContextBuilder: what an AI is told about a user before a session, as one text within a budget.
//
//   auto clarify = createClarifyStores(*backends);            // factories/clarify_store_factory.h
//   auto builder = createContextBuilder(*backends, clarify->sources);
//   auto context = (*builder)->build(user_id, session_id);
//   if (context.ok()) prompt += context->text;
//
// Five lists are read in one round trip to the cache; only those that are not there are queried, in
// parallel. A query that fails leaves its section out. docs/context_builder.md has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/executor.h"
#include "strata/base/health.h"
#include "strata/base/metrics.h"
#include "strata/stores/clarify/context_sources.h"

namespace strata {

// Where a section comes from.
enum class ContextSource : std::uint8_t { kUser, kDreams, kPatterns, kSessions, kReflections };

std::string_view toString(ContextSource source);

struct ContextSection {
  ContextSource source = ContextSource::kUser;
  // As it stands in the text: "[Active Dreams]".
  std::string title;
  // 1 comes first.
  int priority = 1;
  // The title and its lines, without a line break at the end.
  std::string text;
  // What it takes of the budget, the empty line before it included.
  std::size_t tokens = 0;
  // Its end is missing, in place of which stands an ellipsis.
  bool is_cut = false;
  // Whether the cache had it.
  bool from_cache = false;

  friend bool operator==(const ContextSection&, const ContextSection&) = default;
};

struct BuiltContext {
  // The sections, set apart by empty lines; "" where there are none.
  std::string text;
  std::vector<ContextSection> sections;
  // An estimate; see estimateTokens.
  std::size_t tokens = 0;
  std::size_t cache_hits = 0;
  std::size_t cache_misses = 0;
  // Could not be read: their sections are missing.
  std::vector<ContextSource> failed;
  // Did not fit: theirs are missing too.
  std::vector<ContextSource> left_out;
};

// A quarter of the code points, rounded up: about what a tokenizer makes of English. Text that is
// not UTF-8 counts its bytes that begin no code point as part of the one before.
std::size_t estimateTokens(std::string_view text);

inline constexpr std::size_t kMaxContextTokens = 10'000'000;

struct ContextBuilderOptions {
  // 1 to kMaxContextTokens.
  std::size_t max_tokens = 8000;
  // How long a build may take whose caller brings no deadline; above zero. What has not been read
  // by then is left out.
  absl::Duration timeout = absl::Seconds(5);
};

// Thread-safe.
class ContextBuilder {
 public:
  virtual ~ContextBuilder() = default;

  // The context of a user, without the session that it is for (none: ""). One log line, and one
  // warning for each section that could not be read.
  //
  // InvalidArgument: the id of the user is none. Nothing else is an error: a context without a
  // single section is "", and `failed` says what is missing.
  virtual absl::StatusOr<BuiltContext> build(std::string_view user_id,
                                             std::string_view current_session_id,
                                             Deadline deadline = {}) = 0;

  // Component "context-builder", with a child for each source.
  virtual Health healthCheck() = 0;
};

// A builder over sources, all of which must be there. `executor` is where queries run beside the
// first one; `clock` must outlive the builder.
std::unique_ptr<ContextBuilder> makeContextBuilder(
    ContextSources sources, ContextBuilderOptions options = {},
    std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system(),
    std::shared_ptr<Executor> executor = Executor::shared());

}  // namespace strata
