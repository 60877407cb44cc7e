#include "strata/stores/clarify/context_builder.h"

#include <array>
#include <atomic>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "stores/clarify/context_sections.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/decorators/fetch_all.h"

namespace strata {
namespace {

constexpr std::array<ContextSource, 5> kSources{ContextSource::kUser, ContextSource::kDreams,
                                                ContextSource::kPatterns, ContextSource::kSessions,
                                                ContextSource::kReflections};

// Thread-safe.
class BuildMetrics {
 public:
  explicit BuildMetrics(std::shared_ptr<Metrics> metrics)
      : metrics_(std::move(metrics)),
        build_(metrics_->histogram("clarify_context_build", {})),
        query_(metrics_->histogram("clarify_query_parallel", {})),
        read_(metrics_->histogram("clarify_cache_read", {})),
        write_(metrics_->histogram("clarify_cache_write", {})),
        hits_(metrics_->counter("clarify_cache_hits_total", {})),
        misses_(metrics_->counter("clarify_cache_misses_total", {})),
        hit_rate_(metrics_->gauge("clarify_cache_hit_rate_percent", {})) {
    for (std::size_t i = 0; i < kSources.size(); ++i) {
      failures_[i] = &metrics_->counter("clarify_source_failures_total",
                                        {{"source", std::string(toString(kSources[i]))}});
    }
  }

  void note(const FetchReport& fetched, absl::Duration took) {
    build_.record(took);
    read_.record(fetched.lookup_time);
    if (fetched.misses > 0) {
      query_.record(fetched.load_time);
      write_.record(fetched.fill_time);
    }
    const auto hits = static_cast<std::int64_t>(fetched.hits);
    const auto misses = static_cast<std::int64_t>(fetched.misses);
    hits_.add(hits);
    misses_.add(misses);
    const std::int64_t all_hits = all_hits_.fetch_add(hits) + hits;
    const std::int64_t all = all_.fetch_add(hits + misses) + hits + misses;
    if (all > 0) hit_rate_.set(all_hits * 100 / all);
  }
  void noteFailure(ContextSource source) {
    failures_[static_cast<std::size_t>(source)]->increment();
  }

 private:
  const std::shared_ptr<Metrics> metrics_;
  Histogram& build_;
  Histogram& query_;
  Histogram& read_;
  Histogram& write_;
  Counter& hits_;
  Counter& misses_;
  Gauge& hit_rate_;
  std::array<Counter*, kSources.size()> failures_{};
  std::atomic<std::int64_t> all_hits_{0};
  std::atomic<std::int64_t> all_{0};
};

// The sections of one context, as they are made of what was fetched.
class Sections {
 public:
  Sections(BuildMetrics& metrics, const FetchReport& fetched, BuiltContext& context)
      : metrics_(metrics), fetched_(fetched), context_(context) {
    sections_.reserve(kSources.size());
  }

  template <typename T, typename... More>
  void add(ContextSource source, const absl::StatusOr<Snapshot<T>>& answer, const More&... more) {
    if (!answer.ok()) return noteFailure(source, answer.status());
    if (*answer == nullptr) return;
    std::optional<ContextSection> section = internal::sectionOf(**answer, more...);
    if (!section) return;
    section->from_cache = fetched_.found[static_cast<std::size_t>(source)];
    sections_.push_back(*std::move(section));
  }
  std::vector<ContextSection> take() { return std::move(sections_); }

 private:
  void noteFailure(ContextSource source, const absl::Status& why) {
    context_.failed.push_back(source);
    metrics_.noteFailure(source);
    log(Severity::kWarning, "clarify.query_failed",
        {{"operation", "clarify.buildContext"},
         {"source", std::string(toString(source))},
         {"error", describe(why)}});
  }

  BuildMetrics& metrics_;
  const FetchReport& fetched_;
  BuiltContext& context_;
  std::vector<ContextSection> sections_;
};

class FetchingContextBuilder final : public ContextBuilder {
 public:
  FetchingContextBuilder(ContextSources sources, ContextBuilderOptions options,
                         std::shared_ptr<Metrics> metrics, const Clock& clock,
                         std::shared_ptr<Executor> executor)
      : sources_(std::move(sources)),
        options_(options),
        clock_(clock),
        executor_(std::move(executor)),
        metrics_(std::move(metrics)) {}

  absl::StatusOr<BuiltContext> build(std::string_view user_id, std::string_view current_session_id,
                                     Deadline deadline) override {
    const Id id(user_id);
    if (absl::Status status = id.check(); !status.ok()) return annotate(status, "user id");
    const MonotonicTime started = clock_.now();
    FetchReport fetched;
    BuiltContext context;
    Sections sections(metrics_, fetched, context);
    fetchInto(sections, fetched, id, current_session_id, deadlineOf(deadline, started));
    internal::fitInto(context, sections.take(), options_.max_tokens);
    context.cache_hits = fetched.hits;
    context.cache_misses = fetched.misses;
    const absl::Duration took = clock_.now() - started;
    metrics_.note(fetched, took);
    logBuild(user_id, current_session_id, context, took);
    return context;
  }

  Health healthCheck() override {
    Health health{.component = "context-builder"};
    addHealth(health, sources_.user->healthCheck());
    health.backend = health.children.front().backend;
    addHealth(health, sources_.dreams->healthCheck());
    addHealth(health, sources_.patterns->healthCheck());
    addHealth(health, sources_.sessions->healthCheck());
    addHealth(health, sources_.reflections->healthCheck());
    return health;
  }

 private:
  Deadline deadlineOf(Deadline callers, MonotonicTime now) const {
    return callers.isNever() ? Deadline::at(now + options_.timeout) : callers;
  }

  void fetchInto(Sections& sections, FetchReport& fetched, const Id& id,
                 std::string_view current_session_id, Deadline deadline) {
    const auto [user, dreams, patterns, recent, reflections] = fetchAll(
        {.read = {.deadline = deadline},
         .executor = executor_,
         .clock = &clock_,
         .report = &fetched},
        fetch(*sources_.user, id), fetch(*sources_.dreams, id), fetch(*sources_.patterns, id),
        fetch(*sources_.sessions, id), fetch(*sources_.reflections, id));
    sections.add(ContextSource::kUser, user);
    sections.add(ContextSource::kDreams, dreams);
    sections.add(ContextSource::kPatterns, patterns);
    sections.add(ContextSource::kSessions, recent, current_session_id);
    sections.add(ContextSource::kReflections, reflections);
  }

  static void logBuild(std::string_view user_id, std::string_view session_id,
                       const BuiltContext& context, absl::Duration took) {
    log(Severity::kInfo, "clarify.buildContext",
        {{"userId", std::string(user_id)},
         {"sessionId", std::string(session_id)},
         {"durationMs", std::round(absl::ToDoubleMicroseconds(took)) / 1000},
         {"cacheHits", context.cache_hits},
         {"cacheMisses", context.cache_misses},
         {"sectionsIncluded", context.sections.size()},
         {"tokensUsed", context.tokens}});
  }

  static void addHealth(Health& health, Health child) {
    health.latency += child.latency;
    if (child.state > health.state) {
      health.state = child.state;
      health.error = child.component + ": " + child.error;
    }
    health.children.push_back(std::move(child));
  }

  const ContextSources sources_;
  const ContextBuilderOptions options_;
  const Clock& clock_;
  const std::shared_ptr<Executor> executor_;
  BuildMetrics metrics_;
};

}  // namespace

std::string_view toString(ContextSource source) {
  switch (source) {
    case ContextSource::kUser:
      return "user";
    case ContextSource::kDreams:
      return "dreams";
    case ContextSource::kPatterns:
      return "patterns";
    case ContextSource::kSessions:
      return "sessions";
    case ContextSource::kReflections:
      return "reflections";
  }
  return "";
}

std::unique_ptr<ContextBuilder> makeContextBuilder(ContextSources sources,
                                                   ContextBuilderOptions options,
                                                   std::shared_ptr<Metrics> metrics,
                                                   const Clock& clock,
                                                   std::shared_ptr<Executor> executor) {
  return std::make_unique<FetchingContextBuilder>(std::move(sources), options, std::move(metrics),
                                                  clock, std::move(executor));
}

}  // namespace strata
