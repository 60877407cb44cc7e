#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"

struct redisReader;
struct redisReply;

namespace strata::internal {

// What a reply, or an element of one, holds. Valid as long as the reply.
class RedisValue {
 public:
  bool isError() const;
  bool isNil() const;
  bool isInteger() const;
  bool isArray() const;
  // Of a text, a status ("OK", "PONG") or an error.
  bool isText() const;
  std::string_view text() const;
  std::int64_t integer() const;
  // Of an array: how many, and each.
  std::size_t size() const;
  RedisValue at(std::size_t index) const;

 protected:
  explicit RedisValue(const redisReply* value) : value_(value) {}
  const redisReply* value_;
};

// One reply of Redis.
class RedisReply : public RedisValue {
 public:
  // Takes over what hiredis made.
  explicit RedisReply(redisReply* reply) : RedisValue(reply), owned_(reply) {}

 private:
  struct Free {
    void operator()(redisReply* reply) const;
  };
  std::unique_ptr<redisReply, Free> owned_;
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
  // Overwrites what was read, if all of it was used: connections live long, values need not.
  void wipe();

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
  // How far the reader's buffer was filled since it was wiped.
  std::size_t filled_ = 0;
};

}  // namespace strata::internal
