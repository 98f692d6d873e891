#include "CWebVendor.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// A literal of this size would keep the Swift compiler busy for minutes, and the program
// must also build without it.
#define HLS_JS "../../../web/vendor/hls.js.gz"

#if __has_embed(HLS_JS)
static const unsigned char hls_js[] = {
#embed HLS_JS
};
static const size_t hls_js_length = sizeof hls_js;
#else
static const unsigned char hls_js[1] = {0};
static const size_t hls_js_length = 0;
#endif

const unsigned char *martlet_hls_js(size_t *length) {
    *length = hls_js_length;
    return hls_js;
}
