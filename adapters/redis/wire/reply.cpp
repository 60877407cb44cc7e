#include "adapters/redis/wire/reply.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include <algorithm>

namespace strata::internal {
namespace {

bool holdsText(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS ||
         reply.type == REDIS_REPLY_ERROR;
}

// hiredis makes room for as many elements as an array says it has, up to 16 GiB, before it has seen
// one. None of our commands is answered by more than this.
constexpr long long kMostElements = 1 << 20;

const redisReplyObjectFunctions& defaultFunctions() {
  static const redisReplyObjectFunctions functions = [] {
    redisReader* const reader = redisReaderCreate();
    const redisReplyObjectFunctions copy = *reader->fn;
    redisReaderFree(reader);
    return copy;
  }();
  return functions;
}

// The type of the count depends on hiredis's version.
template <typename Count>
void* createArray(const redisReadTask* task, Count elements) {
  if (static_cast<long long>(elements) > kMostElements) return nullptr;  // an error
  return defaultFunctions().createArray(task, elements);
}

redisReplyObjectFunctions* cautiousFunctions() {
  static redisReplyObjectFunctions functions = [] {
    redisReplyObjectFunctions copy = defaultFunctions();
    copy.createArray = createArray;
    return copy;
  }();
  return &functions;
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

RedisReplyReader::RedisReplyReader() : reader_(redisReaderCreate()) {
  reader_->fn = cautiousFunctions();
}

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
