#include "adapters/redis/redis_reply.h"

#include <hiredis/hiredis.h>

namespace strata::internal {
namespace {

bool holdsText(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS ||
         reply.type == REDIS_REPLY_ERROR;
}

}  // namespace

void RedisReply::Free::operator()(redisReply* reply) const { freeReplyObject(reply); }

bool RedisReply::isError() const { return reply_->type == REDIS_REPLY_ERROR; }
bool RedisReply::isNil() const { return reply_->type == REDIS_REPLY_NIL; }
bool RedisReply::isInteger() const { return reply_->type == REDIS_REPLY_INTEGER; }
bool RedisReply::isArray() const { return reply_->type == REDIS_REPLY_ARRAY; }
bool RedisReply::isText() const { return holdsText(*reply_); }

std::string_view RedisReply::text() const {
  return isText() ? std::string_view(reply_->str, reply_->len) : std::string_view();
}

std::int64_t RedisReply::integer() const { return reply_->integer; }
std::size_t RedisReply::size() const { return isArray() ? reply_->elements : 0; }

std::optional<std::string> RedisReply::element(std::size_t index) const {
  const redisReply& element = *reply_->element[index];
  if (!holdsText(element)) return std::nullopt;
  return std::string(element.str, element.len);
}

void RedisReplyReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

RedisReplyReader::RedisReplyReader() : reader_(redisReaderCreate()) {}

void RedisReplyReader::feed(std::string_view bytes) {
  // Its only error is to be fed after an error, which `next` reports anyway.
  redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
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

}  // namespace strata::internal
