#include "CHiredis.h"

size_t martlet_redis_unread(const redisAsyncContext *context) {
    return context->c.reader ? context->c.reader->len : 0;
}

int martlet_redis_descriptor(const redisAsyncContext *context) { return context->c.fd; }
