// A memory BIO is a stream: it would join the records of one flight, and the receiver could not tell where a datagram
// ended. This one keeps every write a datagram of its own, and holds at most one datagram to read, which it borrows.

#include "COpenSSL.h"

#include <string.h>

struct datagram_state {
    martlet_datagram_sink sink;
    void *context;
    const uint8_t *unread;
    size_t unread_count;
    unsigned initial_timeout;
    unsigned maximum_timeout;
};

static int datagram_write(BIO *bio, const char *bytes, int count) {
    struct datagram_state *state = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (state == NULL || bytes == NULL || count <= 0) return 0;
    state->sink(state->context, (const uint8_t *)bytes, (size_t)count);
    return count;
}

static int datagram_read(BIO *bio, char *buffer, int capacity) {
    struct datagram_state *state = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (state == NULL || buffer == NULL || capacity <= 0) return 0;
    if (state->unread == NULL) {
        BIO_set_retry_read(bio);
        return -1;
    }
    // What does not fit is lost, as with recv(2); the buffer of OpenSSL holds the largest record there can be.
    size_t count = state->unread_count < (size_t)capacity ? state->unread_count : (size_t)capacity;
    memcpy(buffer, state->unread, count);
    state->unread = NULL;
    state->unread_count = 0;
    return (int)count;
}

static long datagram_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        return 1;
    default:
        // The MTU is set on the SSL itself, so DTLS never asks here.
        return 0;
    }
}

static int datagram_destroy(BIO *bio) {
    if (bio == NULL) return 0;
    OPENSSL_free(BIO_get_data(bio));
    BIO_set_data(bio, NULL);
    return 1;
}

static BIO_METHOD *datagram_method = NULL;
static CRYPTO_ONCE datagram_method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_datagram_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram");
    if (method == NULL) return;
    BIO_meth_set_write(method, datagram_write);
    BIO_meth_set_read(method, datagram_read);
    BIO_meth_set_ctrl(method, datagram_control);
    BIO_meth_set_destroy(method, datagram_destroy);
    datagram_method = method;
}

BIO *martlet_datagram_bio_new(martlet_datagram_sink sink, void *context) {
    if (!CRYPTO_THREAD_run_once(&datagram_method_once, make_datagram_method) || datagram_method == NULL) return NULL;
    BIO *bio = BIO_new(datagram_method);
    struct datagram_state *state = OPENSSL_zalloc(sizeof(struct datagram_state));
    if (bio == NULL || state == NULL) {
        BIO_free(bio);
        OPENSSL_free(state);
        return NULL;
    }
    state->sink = sink;
    state->context = context;
    BIO_set_data(bio, state);
    BIO_set_init(bio, 1);
    return bio;
}

void martlet_datagram_bio_offer(BIO *bio, const uint8_t *bytes, size_t count) {
    struct datagram_state *state = BIO_get_data(bio);
    state->unread = bytes;
    state->unread_count = bytes == NULL ? 0 : count;
}

int martlet_datagram_bio_has_unread(BIO *bio) {
    struct datagram_state *state = BIO_get_data(bio);
    return state->unread != NULL;
}

// OpenSSL asks with 0 for the first timeout of a flight and with the last one for the next.
static unsigned next_timeout(SSL *ssl, unsigned current) {
    struct datagram_state *state = BIO_get_data(SSL_get_rbio(ssl));
    if (current == 0) return state->initial_timeout;
    return current > state->maximum_timeout / 2 ? state->maximum_timeout : current * 2;
}

void martlet_datagram_bio_set_timer(SSL *ssl, unsigned initial, unsigned maximum) {
    struct datagram_state *state = BIO_get_data(SSL_get_rbio(ssl));
    state->initial_timeout = initial;
    state->maximum_timeout = maximum;
    DTLS_set_timer_cb(ssl, next_timeout);
}
