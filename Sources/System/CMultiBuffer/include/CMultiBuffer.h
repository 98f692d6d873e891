#pragma once
// AES-128-GCM of Intel's multi-buffer library (libIPSec_MB), x86-64 only.
//
// The library is looked for when the program runs, so that a program built with its header also runs where the library
// is missing; built without the header, it says so. All functions may be called from any thread.
#include <stddef.h>
#include <stdint.h>

// Why the library cannot be used; NULL when it can. The first call loads it.
const char *martlet_mb_problem(void);
// The library's version; NULL when it cannot be used.
const char *martlet_mb_version(void);

// The key schedule for a key of 16 bytes; NULL when there is no memory or no library.
void *martlet_mb_gcm_key_new(const uint8_t *key);
// Overwrites and frees a key schedule; NULL is ignored.
void martlet_mb_gcm_key_free(void *key);

// Encrypts `count` bytes from `input` to `output`, which may be the same, and writes a tag of 16 bytes.
// `iv` has 12 bytes.
void martlet_mb_gcm_seal(const void *key, const uint8_t *iv, const void *associated, size_t associated_count,
                         const void *input, void *output, size_t count, uint8_t *tag);
// Decrypts `count` bytes in place; returns 1 when the tag of 16 bytes fits.
int martlet_mb_gcm_open(const void *key, const uint8_t *iv, const void *associated, size_t associated_count,
                        void *data, size_t count, const uint8_t *tag);
