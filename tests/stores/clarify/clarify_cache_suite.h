// When the cached copies of what a context is shown are deleted.
#pragma once

#include <algorithm>
#include <functional>
#include <map>

#include "tests/stores/clarify/clarify_sources_suite.h"

namespace strata {

class ClarifyCacheSuite : public ClarifySourcesSuite {
 protected:
  // What a context would be built from, each part as JSON.
  using Context = std::map<std::string, std::string>;

  template <typename T>
  static std::string text(const std::shared_ptr<Store<T>>& source, const std::string& user_id,
                          const ReadOptions& options) {
    const auto found = must(source->get(user_id, options));
    return found == nullptr ? "none" : encodeJson(*found);
  }
  Context contextOf(const ClarifyStores& stores, const ReadOptions& options = {}) const {
    const ContextSources& from = stores.sources;
    return {{"user", text(from.user, user_, options)},
            {"dreams", text(from.dreams, user_, options)},
            {"patterns", text(from.patterns, user_, options)},
            {"sessions", text(from.sessions, user_, options)},
            {"reflections", text(from.reflections, user_, options)}};
  }
  std::int64_t misses() const { return metrics_->count("strata_cache_misses_total"); }

  // Makes a change of exactly `parts` by the other process, with everything in the caches of both,
  // and sees each of them at once, and what was left alone still in the cache.
  void expectFresh(const char* what, const std::vector<std::string>& parts,
                   const std::function<absl::Status(const WriteOptions&)>& change) {
    SCOPED_TRACE(what);
    const Context before = contextOf(stores_);
    ASSERT_EQ(contextOf(other_), before);
    tick();
    ASSERT_THAT(change({}), IsOk());
    const std::int64_t missed = misses();
    const Context after = contextOf(stores_);
    for (const auto& [part, shown] : after) {
      const bool changed = std::ranges::find(parts, part) != parts.end();
      EXPECT_EQ(shown != before.at(part), changed) << part << " " << shown;
    }
    EXPECT_EQ(after, contextOf(stores_, kLatest));
    EXPECT_EQ(contextOf(other_), after);
    if (isCached()) {
      EXPECT_EQ(misses() - missed, static_cast<std::int64_t>(parts.size()));
    }
  }
};

// B-100
TEST_P(ClarifyCacheSuite, EveryMutationIsSeenByTheNextReadOfAnotherProcess) {
  const std::string id = newId();
  expectFresh("put a user", {"user"}, [&](const WriteOptions& options) {
    return other_.users->put({.id = user_, .name = "new"}, options).status();
  });
  expectFresh("create a dream", {"dreams"}, [&](const WriteOptions& options) {
    return other_.dreams->create({.id = id, .user_id = user_, .title = "t"}, options).status();
  });
  expectFresh("update a dream", {"dreams"}, [&](const WriteOptions& options) {
    return other_.dreams->update(user_, id, {.title = "u"}, options).status();
  });
  expectFresh("set the status of a dream", {"dreams"}, [&](const WriteOptions& options) {
    return other_.dreams->setStatus(user_, id, DreamStatus::kReleased, options).status();
  });
  must(other_.dreams->setStatus(user_, id, DreamStatus::kActive));
  expectFresh("remove a dream", {"dreams"}, [&](const WriteOptions& options) {
    return other_.dreams->remove(user_, id, options);
  });
  expectFresh("consolidate patterns", {"patterns"}, [&](const WriteOptions& options) {
    return other_.patterns->consolidate(user_, {pattern("p", 5)}, options).status();
  });
  expectFresh("create a session", {"user", "sessions"}, [&](const WriteOptions& options) {
    return other_.sessions->create({.id = id, .user_id = user_}, options).status();
  });
  expectFresh("note a message", {"sessions"}, [&](const WriteOptions& options) {
    return other_.sessions->noteMessage(user_, id, options).status();
  });
  expectFresh("archive a session", {"sessions"}, [&](const WriteOptions& options) {
    return other_.sessions->archive(user_, id, options).status();
  });
  must(other_.sessions->create({.id = newId(), .user_id = user_}));
  expectFresh("remove a session", {"sessions"}, [&](const WriteOptions& options) {
    const auto active = must(other_.sessions->list(user_, {.status = SessionStatus::kActive}));
    return other_.sessions->remove(user_, active.at(0).id, options);
  });
  expectFresh("create a reflection", {"user", "reflections"}, [&](const WriteOptions& options) {
    return other_.reflections->create({.user_id = user_}, options).status();
  });
  must(other_.dreams->create({.user_id = user_, .title = "t"}));
  must(other_.sessions->create({.user_id = user_}));
  expectFresh("remove the user", {"user", "dreams", "patterns", "sessions", "reflections"},
              [&](const WriteOptions& options) { return other_.users->remove(user_, options); });
  expectFresh("put the user again", {"user"}, [&](const WriteOptions& options) {
    return other_.users->put({.id = user_}, options).status();
  });
}

// B-100
TEST_P(ClarifyCacheSuite, ReadsFromTheCacheUntilThen) {
  const Context first = contextOf(stores_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(contextOf(other_), first);
  EXPECT_EQ(misses(), isCached() ? 5 : 0);
  EXPECT_EQ(metrics_->count("strata_cache_hits_total"), isCached() ? 15 : 0);
}

// B-58
TEST_P(ClarifyCacheSuite, DeletesCopiesAfterTheCommitAndNeverForARollback) {
  for (const bool commits : {false, true}) {
    const Context before = contextOf(stores_);
    const std::int64_t missed = misses();
    const auto unit = begin();
    const WriteOptions options{.unit = unit.get()};
    tick();
    must(stores_.users->put({.id = user_, .name = "new"}, options));
    must(stores_.dreams->create({.user_id = user_, .title = "t"}, options));
    must(stores_.patterns->consolidate(user_, {pattern("p", 5)}, options));
    const std::string id = must(stores_.sessions->create({.user_id = user_}, options)).id;
    must(stores_.sessions->noteMessage(user_, id, options));
    must(stores_.reflections->create({.user_id = user_}, options));
    const Context inside = contextOf(stores_, {.unit = unit.get()});
    for (const auto& [part, shown] : inside) EXPECT_NE(shown, before.at(part));
    if (isCached()) {
      EXPECT_EQ(contextOf(other_), before);
    }
    EXPECT_EQ(misses(), missed);
    if (commits) {
      ASSERT_THAT(unit->commit(), IsOk());
    } else {
      unit->rollback();
    }
    EXPECT_EQ(contextOf(other_), commits ? inside : before);
    EXPECT_EQ(misses(), missed + (isCached() && commits ? 5 : 0));
  }
}

TEST_P(ClarifyCacheSuite, LeavesCopiesAloneWhereNothingChanged) {
  const Dream made = dream("Sail");
  const ClarifySession spoken = session("s");
  must(stores_.sessions->archive(user_, spoken.id));
  const Context before = contextOf(stores_);
  const std::int64_t missed = misses();
  must(stores_.dreams->update(user_, made.id, {.title = "Sail"}));
  must(stores_.sessions->archive(user_, spoken.id));
  EXPECT_THAT(stores_.dreams->remove(user_, newId()), notFound());
  EXPECT_THAT(stores_.sessions->noteMessage(user_, newId()), notFound());
  EXPECT_THAT(stores_.dreams->create({.id = made.id, .user_id = user_}), taken());
  EXPECT_EQ(contextOf(stores_), before);
  EXPECT_EQ(misses(), missed);
}

TEST_P(ClarifyCacheSuite, DropsAllFiveCopiesWhenTold) {
  contextOf(stores_);
  const std::int64_t missed = misses();
  EXPECT_THAT(stores_.invalidateUserContext(other_user_), IsOk());
  contextOf(other_);
  EXPECT_EQ(misses(), missed);
  EXPECT_THAT(stores_.invalidateUserContext(user_), IsOk());
  contextOf(other_);
  EXPECT_EQ(misses(), missed + (isCached() ? 5 : 0));
}

}  // namespace strata
