#pragma once
#include <stddef.h>

/// Compresses a whole message as gzip (RFC 1952), at zlib's fastest level.
///
/// Returns the number of bytes written, or 0 when they do not fit into `capacity` or memory is short.
size_t martlet_gzip(const unsigned char *input, size_t length, unsigned char *output, size_t capacity);
