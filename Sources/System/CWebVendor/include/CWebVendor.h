#pragma once
// The code of others that the web pages use, where `make web-vendor` fetched it before the build.
#include <stddef.h>

// hls.js, compressed with gzip, for as long as the program runs; no bytes when it was not there.
const unsigned char *_Nonnull martlet_hls_js(size_t *_Nonnull length);
