#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// MARK: Macros of OpenSSL that Swift cannot see

/// Sets the oldest and the newest version a context speaks; 1 is success.
int martlet_ssl_ctx_set_versions(SSL_CTX *context, int oldest, int newest);
/// Turns on SSL_MODE_RELEASE_BUFFERS and turns off the session cache.
void martlet_ssl_ctx_set_lean(SSL_CTX *context);
/// Names the key exchange groups, best first; 1 is success.
int martlet_ssl_ctx_set_groups(SSL_CTX *context, const char *names);
/// No tickets, no renegotiation, no path MTU queries, and the server's order of ciphers.
void martlet_ssl_ctx_set_options(SSL_CTX *context);
/// The largest datagram that a flight is cut into, in bytes.
void martlet_ssl_set_mtu(SSL *ssl, long mtu);
/// Microseconds until DTLS wants `martlet_dtls_handle_timeout`; negative when no timer runs.
int64_t martlet_dtls_timeout(SSL *ssl);
/// Sends the last flight again if the timer has expired. 1 sent, 0 not due, negative: gave up.
long martlet_dtls_handle_timeout(SSL *ssl);
/// A new key pair on P-256, owned by the caller; NULL on failure.
EVP_PKEY *martlet_p256_generate(void);
/// Makes `context`, of the fetched "HMAC", an HMAC-SHA1 with this key; 1 is success.
///
/// In C because an OSSL_PARAM keeps the pointer to its name, and Swift passes string constants as temporary copies.
int martlet_hmac_sha1_set_key(EVP_MAC_CTX *context, const uint8_t *key, size_t count);

// MARK: A BIO that keeps datagrams apart

/// Takes one datagram that DTLS sends. `bytes` live for the call only.
typedef void (*martlet_datagram_sink)(void *context, const uint8_t *bytes, size_t count);

/// Makes a BIO that hands each write to `sink` and reads what is offered to it; NULL when memory is short.
BIO *martlet_datagram_bio_new(martlet_datagram_sink sink, void *context);
/// Lends one datagram for the next read; NULL takes back what was not read.
void martlet_datagram_bio_offer(BIO *bio, const uint8_t *bytes, size_t count);
/// Whether the datagram that was offered is still unread.
int martlet_datagram_bio_has_unread(BIO *bio);
/// Replaces the retransmission timer of `ssl`, which must use such a BIO: it starts at `initial` microseconds and
/// doubles up to `maximum`.
void martlet_datagram_bio_set_timer(SSL *ssl, unsigned initial, unsigned maximum);
