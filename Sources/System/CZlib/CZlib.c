#include "CZlib.h"
#include <limits.h>
#include <string.h>
#include <zlib.h>

size_t martlet_gzip(const unsigned char *input, size_t length, unsigned char *output, size_t capacity) {
  if (length > INT_MAX || capacity > INT_MAX) return 0;
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  // 16 more than the window asks for a gzip header.
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
  stream.next_in = (unsigned char *)input;
  stream.avail_in = (unsigned int)length;
  stream.next_out = output;
  stream.avail_out = (unsigned int)capacity;
  int result = deflate(&stream, Z_FINISH);
  size_t written = stream.total_out;
  deflateEnd(&stream);
  return result == Z_STREAM_END ? written : 0;
}
