#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct redisReader;
struct redisReply;

namespace strata::internal {

// One reply of Redis.
class RedisReply {
 public:
  // Takes over what hiredis made.
  explicit RedisReply(redisReply* reply) : reply_(reply) {}

  bool isError() const;
  bool isNil() const;
  bool isInteger() const;
  bool isArray() const;
  // Of a text, a status ("OK", "PONG") or an error.
  bool isText() const;
  std::string_view text() const;
  std::int64_t integer() const;
  // Of an array: how many, and each, which must be a text or nil.
  std::size_t size() const;
  std::optional<std::string> element(std::size_t index) const;

 private:
  struct Free {
    void operator()(redisReply* reply) const;
  };
  std::unique_ptr<redisReply, Free> reply_;
};

// Finds replies in a stream of bytes, however they are cut. Knows nothing of sockets.
class RedisReplyReader {
 public:
  RedisReplyReader();

  void feed(std::string_view bytes);
  // The next reply; none while it is incomplete. Unavailable: these bytes are not Redis's protocol,
  // and no further reply can be read.
  absl::StatusOr<std::optional<RedisReply>> next();
  // Whether bytes are left that no reply has used.
  bool hasLeftovers() const;

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace strata::internal
