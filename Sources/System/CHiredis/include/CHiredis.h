#pragma once
// The asynchronous interface of hiredis, whose event loop is ours.
#include <hiredis/async.h>
#include <stddef.h>

// Bytes of a reply that has not come in whole.
size_t martlet_redis_unread(const redisAsyncContext *context);
// The socket; -1 when there is none.
int martlet_redis_descriptor(const redisAsyncContext *context);
