#include "adapters/redis_dialect/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using absl::StatusCode;
using internal::classifyRedisError;
using internal::redisErrorStatus;
using internal::RedisSpeaker;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

// B-32
TEST(RedisErrors, AServerThatCannotServeIsUnavailableAndNotReadFromInstead) {
  for (const char* text :
       {"READONLY You can't write against a read only replica.",
        "NOREPLICAS Not enough good replicas to write.",
        "LOADING Redis is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "CLUSTERDOWN Hash slot not served", "ERR max number of clients reached"}) {
    EXPECT_THAT(redisErrorStatus(text), StatusIs(StatusCode::kUnavailable)) << text;
    EXPECT_TRUE(classifyRedisError(text).retire) << text;
    EXPECT_FALSE(classifyRedisError(text).only_reads) << text;
  }
  EXPECT_THAT(redisErrorStatus("MOVED 3999 127.0.0.1:6381"), StatusIs(StatusCode::kUnavailable));
}

// B-31
TEST(RedisErrors, AServerThatCannotStoreCanStillBeRead) {
  for (const char* text : {"OOM command not allowed when used memory > 'maxmemory'.",
                           "MISCONF Redis is configured to save RDB snapshots, but it's currently "
                           "unable to persist to disk."}) {
    EXPECT_THAT(redisErrorStatus(text), StatusIs(StatusCode::kResourceExhausted)) << text;
    EXPECT_TRUE(classifyRedisError(text).only_reads) << text;
    EXPECT_FALSE(classifyRedisError(text).retire) << text;
  }
}

// B-33
TEST(RedisErrors, CredentialsAndAclsArePermissionDenied) {
  for (const char* text :
       {"NOAUTH Authentication required.",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "NOPERM this user has no permissions to run the 'set' command", "ERR invalid password",
        "ERR AUTH <password> called without any password configured for the default user.",
        "ERR Client sent AUTH, but no password is set"}) {
    EXPECT_THAT(redisErrorStatus(text), StatusIs(StatusCode::kPermissionDenied)) << text;
  }
}

// B-33
TEST(RedisErrors, ADatabaseThatIsNotThereIsAPrecondition) {
  EXPECT_THAT(redisErrorStatus("ERR DB index is out of range"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("database")));
}

TEST(RedisErrors, AnErrorOfOneKeyIsInternalAndHarmlessToTheConnection) {
  const char* text = "WRONGTYPE Operation against a key holding the wrong kind of value";
  EXPECT_THAT(redisErrorStatus(text), StatusIs(StatusCode::kInternal));
  EXPECT_FALSE(classifyRedisError(text).retire);
  EXPECT_TRUE(classifyRedisError("NOSCRIPT No matching script.").no_script);
  EXPECT_FALSE(classifyRedisError(text).no_script);
}

TEST(RedisErrors, WhatACommandAnsweredInsideAScriptOfAnOldServerIsFound) {
  const char* oom =
      "ERR Error running script (call to f_0): @user_script:1: @user_script: 1: -OOM command not "
      "allowed when used memory > 'maxmemory'.";
  EXPECT_THAT(redisErrorStatus(oom), StatusIs(StatusCode::kResourceExhausted, HasSubstr("OOM")));
  EXPECT_TRUE(classifyRedisError(oom).only_reads);
  const char* replica =
      "ERR Error running script (call to f_0): @user_script:1: @user_script: 1: -READONLY You "
      "can't "
      "write against a read only replica.";
  EXPECT_THAT(redisErrorStatus(replica), StatusIs(StatusCode::kUnavailable));
}

TEST(RedisErrors, OnlyWholeWordsMatch) {
  EXPECT_THAT(redisErrorStatus("OOMPH something else"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(redisErrorStatus("LOADINGS"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(redisErrorStatus("LOADING"), StatusIs(StatusCode::kUnavailable));
}

TEST(RedisErrors, OfARestServiceSayWhatToDo) {
  const std::vector<std::pair<const char*, StatusCode>> cases = {
      {"READONLY You can't write against a read only replica.", StatusCode::kUnavailable},
      {"LOADING Redis is loading", StatusCode::kUnavailable},
      {"ERR max concurrent connections exceeded", StatusCode::kUnavailable},
      {"OOM command not allowed when used memory > 'maxmemory'.", StatusCode::kResourceExhausted},
      {"ERR max requests limit exceeded. Limit: 500000", StatusCode::kResourceExhausted},
      {"ERR max daily request limit exceeded. Limit: 10000, Usage: 10001.",
       StatusCode::kResourceExhausted},
      {"ERR max request size exceeded. Limit: 1048576 bytes", StatusCode::kResourceExhausted},
      {"ERR DB capacity quota exceeded", StatusCode::kResourceExhausted},
      {"WRONGPASS invalid or missing auth token", StatusCode::kPermissionDenied},
      {"Unauthorized", StatusCode::kPermissionDenied},
      {"NOPERM this user has no permissions to run the 'set' command",
       StatusCode::kPermissionDenied},
      {"WRONGTYPE Operation against a key", StatusCode::kInternal},
      {"NOSCRIPT No matching script.", StatusCode::kInternal},
      {"ERR unknown command 'unlink'", StatusCode::kFailedPrecondition},
      {"ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed",
       StatusCode::kResourceExhausted},
      {"ERR syntax error", StatusCode::kInternal},
      {"", StatusCode::kInternal},
      {"OOMPH", StatusCode::kInternal},
  };
  for (const auto& [text, code] : cases) {
    EXPECT_THAT(redisErrorStatus(text, RedisSpeaker::kRestService), StatusIs(code)) << text;
  }
}

TEST(RedisErrors, ARestServiceAsksForATokenAndAServerForAPassword) {
  for (const char* text : {"WRONGPASS invalid", "NOAUTH Authentication required."}) {
    EXPECT_THAT(redisErrorStatus(text), StatusIs(StatusCode::kPermissionDenied, HasSubstr("pass")));
    EXPECT_THAT(redisErrorStatus(text, RedisSpeaker::kRestService),
                StatusIs(StatusCode::kPermissionDenied, HasSubstr("token")));
  }
  EXPECT_THAT(redisErrorStatus("ERR unknown command 'x'"), StatusIs(StatusCode::kInternal));
}

// B-79
TEST(RedisErrors, MessagesNeverQuoteTheServer) {
  // An unknown command's error quotes its arguments: a key, a value, a password.
  for (const char* text : {"ERR unknown command 'FOO', with args beginning with: 'hunter2'",
                           "ERR wrong password hunter2", "hunter2", "hunter2:x y", ""}) {
    EXPECT_THAT(redisErrorStatus(text), StatusIs(StatusCode::kInternal, Not(HasSubstr("hunter2"))));
    EXPECT_THAT(redisErrorStatus(text, RedisSpeaker::kRestService).message(),
                Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(redisErrorStatus("").message(), HasSubstr("(?)"));
}

}  // namespace
}  // namespace strata
