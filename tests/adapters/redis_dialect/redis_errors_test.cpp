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
}

// An unknown command was an internal error, after which nothing was given up.
TEST(RedisErrors, TellACommandThatIsRefusedFromOneThatFails) {
  for (const char* text :
       {"ERR unknown command 'x'",
        "ERR unknown command `x`, with args beginning with: ", "unsupported command 'x'",
        "ERR Unknown Redis command called from script script: f00, on @user_script:1.",
        "ERR Error running script (call to f_0): @user_script: 1: Unknown Redis command called"}) {
    EXPECT_THAT(redisErrorStatus(text),
                StatusIs(StatusCode::kFailedPrecondition, HasSubstr("does not know the command")))
        << text;
  }
  for (const char* text :
       {"NOPERM this user has no permissions to run the 'zadd' command",
        "ERR The user executing the script can't run this command or subcommand script: f00",
        "ERR ACL failure in script: User u has no permissions to run the 'zadd' command",
        "ERR Error running script (call to f_0): @user_script: 1: The user executing the script "
        "can't run this command or subcommand"}) {
    EXPECT_THAT(redisErrorStatus(text),
                StatusIs(StatusCode::kPermissionDenied, HasSubstr("forbids the command")))
        << text;
    EXPECT_FALSE(classifyRedisError(text).forbids_name) << text;
  }
}

TEST(RedisErrors, TellAKeyThatIsForbiddenFromACommand) {
  for (const char* text :
       {"NOPERM this user has no permissions to access one of the keys used as arguments",
        "NOPERM this user has no permissions to access one of the channels used as arguments",
        "NOPERM No permissions to access a key",
        "ERR The user executing the script can't access at least one of the keys mentioned in the "
        "command arguments script: f00, on @user_script:1."}) {
    EXPECT_THAT(redisErrorStatus(text),
                StatusIs(StatusCode::kPermissionDenied, HasSubstr("the key or the channel")))
        << text;
    EXPECT_TRUE(classifyRedisError(text).forbids_name) << text;
  }
}

TEST(RedisErrors, OfAProxyWithoutItsServerAreAnOutage) {
  for (const char* text : {"ERR Connection refused", "ERR Connection timed out", "ERR Host is down",
                           "upstream failure", "no upstream host"}) {
    EXPECT_THAT(redisErrorStatus(text), StatusIs(StatusCode::kUnavailable, HasSubstr("proxy")))
        << text;
  }
}

TEST(RedisErrors, KnowWhatOnlyANodeOfAClusterSays) {
  for (const char* text : {"MOVED 3999 127.0.0.1:6381", "ASK 3999 127.0.0.1:6381",
                           "CROSSSLOT Keys in request don't hash to the same slot",
                           "CLUSTERDOWN The cluster is down"}) {
    EXPECT_TRUE(classifyRedisError(text).of_cluster) << text;
  }
  EXPECT_FALSE(classifyRedisError("READONLY You can't write").of_cluster);
}

// B-79
TEST(RedisErrors, MessagesNeverQuoteTheServer) {
  // An unknown command's error quotes its arguments: a key, a value, a password.
  for (const char* text : {"ERR unknown command 'FOO', with args beginning with: 'hunter2'",
                           "ERR wrong password hunter2", "hunter2", "hunter2:x y", ""}) {
    EXPECT_THAT(redisErrorStatus(text), StatusIs(::testing::_, Not(HasSubstr("hunter2"))));
    EXPECT_THAT(redisErrorStatus(text, RedisSpeaker::kRestService).message(),
                Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(redisErrorStatus("").message(), HasSubstr("(?)"));
}

}  // namespace
}  // namespace strata
