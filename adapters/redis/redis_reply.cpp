#include "adapters/redis/redis_reply.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include <algorithm>

namespace strata::internal {
namespace {

bool holdsText(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS ||
         reply.type == REDIS_REPLY_ERROR;
}

}  // namespace

bool RedisValue::isError() const { return value_->type == REDIS_REPLY_ERROR; }
bool RedisValue::isNil() const { return value_->type == REDIS_REPLY_NIL; }
bool RedisValue::isInteger() const { return value_->type == REDIS_REPLY_INTEGER; }
bool RedisValue::isArray() const { return value_->type == REDIS_REPLY_ARRAY; }
bool RedisValue::isText() const { return holdsText(*value_); }

std::string_view RedisValue::text() const {
  return isText() ? std::string_view(value_->str, value_->len) : std::string_view();
}

std::int64_t RedisValue::integer() const { return value_->integer; }
std::size_t RedisValue::size() const { return isArray() ? value_->elements : 0; }
RedisValue RedisValue::at(std::size_t index) const { return RedisValue(value_->element[index]); }

void RedisReply::Free::operator()(redisReply* reply) const { freeReplyObject(reply); }

void RedisReplyReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

RedisReplyReader::RedisReplyReader() : reader_(redisReaderCreate()) {}

void RedisReplyReader::feed(std::string_view bytes) {
  if (reader_->len == 0) filled_ = 0;  // it may have taken another buffer
  // Its only error is to be fed after an error, which `next` reports anyway.
  redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
  filled_ = std::max(filled_, reader_->len);
}

absl::StatusOr<std::optional<RedisReply>> RedisReplyReader::next() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
    return absl::UnavailableError("what answered does not speak Redis's protocol");
  }
  if (reply == nullptr) return std::nullopt;
  return RedisReply(static_cast<redisReply*>(reply));
}

bool RedisReplyReader::hasLeftovers() const { return reader_->pos < reader_->len; }

void RedisReplyReader::wipe() {
  if (hasLeftovers() || reader_->buf == nullptr) return;
  // Bytes that the reader moved forward are still behind its end, up to where it was filled.
  explicit_bzero(reader_->buf, filled_);
  filled_ = 0;
}

}  // namespace strata::internal
