// /v1/me: what the caller's contexts are built from, and the contexts.
#include "examples/copilot_server/application.h"
#include "examples/copilot_server/json_body.h"

namespace copilot {
namespace {

struct ProfileBody {
  std::optional<std::string> name;
  strata::UserTier tier = strata::UserTier::kFree;
};
BOOST_DESCRIBE_STRUCT(ProfileBody, (), (name, tier))

struct DreamBody {
  std::string title;
  std::optional<std::string> description;
  std::optional<std::string> category;
};
BOOST_DESCRIBE_STRUCT(DreamBody, (), (title, description, category))

struct SessionBody {
  std::string title;
};
BOOST_DESCRIBE_STRUCT(SessionBody, (), (title))

struct ReflectionBody {
  strata::ReflectionTone tone = strata::ReflectionTone::kGentle;
};
BOOST_DESCRIBE_STRUCT(ReflectionBody, (), (tone))

struct PatternsBody {
  std::vector<strata::ClarifyPattern> patterns;
};
BOOST_DESCRIBE_STRUCT(PatternsBody, (), (patterns))

struct SectionView {
  std::string source;
  std::string title;
  std::int64_t priority = 0;
  std::uint64_t tokens = 0;
  bool is_cut = false;
  bool from_cache = false;
};
BOOST_DESCRIBE_STRUCT(SectionView, (), (source, title, priority, tokens, is_cut, from_cache))

struct ContextView {
  std::string text;
  std::vector<SectionView> sections;
  std::uint64_t tokens = 0;
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::vector<std::string> failed;
  std::vector<std::string> left_out;
};
BOOST_DESCRIBE_STRUCT(ContextView, (),
                      (text, sections, tokens, cache_hits, cache_misses, failed, left_out))

struct ValidationView {
  bool is_valid = false;
  strata::Timestamp checked_at;
};
BOOST_DESCRIBE_STRUCT(ValidationView, (), (is_valid, checked_at))

// What a store answered to a write, as the body of the response.
template <typename T>
absl::StatusOr<Response> answered(const absl::StatusOr<T>& value, int status) {
  if (!value.ok()) return value.status();
  return jsonResponse(*value, status);
}

absl::StatusOr<Response> putProfile(Service& service, const Call& call) {
  auto body = bodyOf<ProfileBody>(call);
  if (!body.ok()) return body.status();
  auto stored =
      service.clarify.users->put({.id = call.user(), .name = body->name, .tier = body->tier});
  // A verdict that could not be deleted ends with its time to live.
  if (stored.ok()) service.validations->invalidate(call.user()).IgnoreError();
  return answered(stored, 200);
}

// Whether the user has a profile, as an identity provider would be asked whether there is such a user. The
// answer is remembered: it is what many requests need and few change.
absl::StatusOr<Response> getValidation(Service& service, const Call& call) {
  const auto ask = [&]() -> absl::StatusOr<strata::Validation> {
    auto profile = service.clarify.sources.user->get(call.user());
    if (!profile.ok()) return profile.status();
    return strata::Validation{.is_valid = *profile != nullptr,
                              .checked_at = service.clock->wallTime(),
                              .tenant_id = call.caller.tenant_id};
  };
  auto verdict = service.validations->validate(call.user(), ask);
  if (!verdict.ok()) return verdict.status();
  return jsonResponse(ValidationView{verdict->is_valid, verdict->checked_at});
}

absl::StatusOr<Response> addDream(Service& service, const Call& call) {
  auto body = bodyOf<DreamBody>(call);
  if (!body.ok()) return body.status();
  return answered(service.clarify.dreams->create({.user_id = call.user(),
                                                  .title = body->title,
                                                  .description = body->description,
                                                  .category = body->category}),
                  201);
}

absl::StatusOr<Response> addSession(Service& service, const Call& call) {
  auto body = bodyOf<SessionBody>(call);
  if (!body.ok()) return body.status();
  return answered(service.clarify.sessions->create({.user_id = call.user(), .title = body->title}),
                  201);
}

absl::StatusOr<Response> noteMessage(Service& service, const Call& call) {
  return answered(service.clarify.sessions->noteMessage(call.user(), call.arguments[0]), 200);
}

absl::StatusOr<Response> addReflection(Service& service, const Call& call) {
  auto body = bodyOf<ReflectionBody>(call);
  if (!body.ok()) return body.status();
  return answered(service.clarify.reflections->create({.user_id = call.user(), .tone = body->tone}),
                  201);
}

absl::StatusOr<Response> putPatterns(Service& service, const Call& call) {
  auto body = bodyOf<PatternsBody>(call);
  if (!body.ok()) return body.status();
  auto stored = service.clarify.patterns->consolidate(call.user(), body->patterns);
  if (!stored.ok()) return stored.status();
  return jsonResponse(PatternsBody{*std::move(stored)});
}

std::vector<std::string> namesOf(const std::vector<strata::ContextSource>& sources) {
  std::vector<std::string> names;
  for (const strata::ContextSource source : sources) names.emplace_back(strata::toString(source));
  return names;
}

absl::StatusOr<Response> buildContext(Service& service, const Call& call) {
  const auto session = call.request.query.find("session");
  auto built = service.contexts->build(call.user(),
                                       session == call.request.query.end() ? "" : session->second);
  if (!built.ok()) return built.status();
  ContextView view{.text = built->text,
                   .tokens = built->tokens,
                   .cache_hits = built->cache_hits,
                   .cache_misses = built->cache_misses,
                   .failed = namesOf(built->failed),
                   .left_out = namesOf(built->left_out)};
  for (const strata::ContextSection& section : built->sections) {
    view.sections.push_back({std::string(strata::toString(section.source)), section.title,
                             section.priority, section.tokens, section.is_cut, section.from_cache});
  }
  return jsonResponse(view);
}

}  // namespace

void addContextRoutes(Router& router, Service& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const Call& call) { return handler(service, call); };
  };
  router.add({"PUT", "/v1/me", RouteCost::kWrite, with(putProfile)});
  router.add({"GET", "/v1/me/validation", RouteCost::kRead, with(getValidation)});
  router.add({"POST", "/v1/me/dreams", RouteCost::kWrite, with(addDream)});
  router.add({"POST", "/v1/me/sessions", RouteCost::kWrite, with(addSession)});
  router.add({"POST", "/v1/me/sessions/{}/messages", RouteCost::kWrite, with(noteMessage)});
  router.add({"POST", "/v1/me/reflections", RouteCost::kWrite, with(addReflection)});
  router.add({"PUT", "/v1/me/patterns", RouteCost::kWrite, with(putPatterns)});
  router.add({"GET", "/v1/me/context", RouteCost::kContext, with(buildContext)});
}

}  // namespace copilot
