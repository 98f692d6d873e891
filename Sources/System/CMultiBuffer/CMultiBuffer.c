#include "CMultiBuffer.h"

#if defined(__x86_64__) && defined(__has_include)
#if __has_include(<intel-ipsec-mb.h>)
#define MARTLET_HAS_MULTI_BUFFER 1
#endif
#endif

#ifdef MARTLET_HAS_MULTI_BUFFER

#include <dlfcn.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// The layout of the manager belongs to a minor version of the library.
#define STRINGIFY(text) #text
#define LIBRARY_NAME(major) "libIPSec_MB.so." STRINGIFY(major)
#define LIBRARY LIBRARY_NAME(1)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *problem = "not looked for";
static const char *version;
// Holds the functions for this processor; those used here keep no state in it.
static IMB_MGR *manager;

static void load(void) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        problem = "the library " LIBRARY " is not installed (Debian: libipsec-mb1)";
        return;
    }
    IMB_MGR *(*allocate)(uint64_t) = (IMB_MGR * (*)(uint64_t)) dlsym(library, "alloc_mb_mgr");
    void (*initialise)(IMB_MGR *, IMB_ARCH *) = (void (*)(IMB_MGR *, IMB_ARCH *))dlsym(library, "init_mb_mgr_auto");
    const char *(*version_text)(void) = (const char *(*)(void))dlsym(library, "imb_get_version_str");
    unsigned (*version_number)(void) = (unsigned (*)(void))dlsym(library, "imb_get_version");
    if (allocate == NULL || initialise == NULL || version_text == NULL || version_number == NULL) {
        problem = "the library " LIBRARY " lacks functions that it should have";
        return;
    }
    if (version_number() >> 8 != IMB_VERSION_NUM >> 8) {
        problem = "the library " LIBRARY " is of another version than this program was built for (" IMB_VERSION_STR ")";
        return;
    }
    IMB_MGR *made = allocate(0);
    if (made == NULL) {
        problem = "the library " LIBRARY " could not be started";
        return;
    }
    initialise(made, NULL);
    if (made->gcm128_pre == NULL || made->gcm128_enc == NULL || made->gcm128_dec == NULL) {
        problem = "the library " LIBRARY " does not know this processor";
        return;
    }
    manager = made;
    version = version_text();
    problem = NULL;
}

const char *martlet_mb_problem(void) {
    pthread_once(&once, load);
    return problem;
}

const char *martlet_mb_version(void) {
    return martlet_mb_problem() == NULL ? version : NULL;
}

void *martlet_mb_gcm_key_new(const uint8_t *key) {
    if (martlet_mb_problem() != NULL) return NULL;
    struct gcm_key_data *data = NULL;
    if (posix_memalign((void **)&data, 64, sizeof *data) != 0) return NULL;
    IMB_AES128_GCM_PRE(manager, key, data);
    return data;
}

void martlet_mb_gcm_key_free(void *key) {
    if (key == NULL) return;
    explicit_bzero(key, sizeof(struct gcm_key_data));
    free(key);
}

void martlet_mb_gcm_seal(const void *key, const uint8_t *iv, const void *associated, size_t associated_count,
                         const void *input, void *output, size_t count, uint8_t *tag) {
    struct gcm_context_data context;
    IMB_AES128_GCM_ENC(manager, key, &context, output, input, count, iv, associated, associated_count, tag, 16);
}

int martlet_mb_gcm_open(const void *key, const uint8_t *iv, const void *associated, size_t associated_count,
                        void *data, size_t count, const uint8_t *tag) {
    struct gcm_context_data context;
    uint8_t computed[16];
    IMB_AES128_GCM_DEC(manager, key, &context, data, data, count, iv, associated, associated_count, computed, 16);
    // Compared in a time that does not depend on where they differ.
    unsigned difference = 0;
    for (size_t index = 0; index < sizeof computed; index++) difference |= computed[index] ^ tag[index];
    return difference == 0;
}

#else

const char *martlet_mb_problem(void) {
#ifdef __x86_64__
    return "this program was built without the library's header (Debian: libipsec-mb-dev)";
#else
    return "the library exists for x86-64 only";
#endif
}
const char *martlet_mb_version(void) { return NULL; }
void *martlet_mb_gcm_key_new(const uint8_t *key) {
    (void)key;
    return NULL;
}
void martlet_mb_gcm_key_free(void *key) { (void)key; }
// Without a key nobody gets here.
void martlet_mb_gcm_seal(const void *key, const uint8_t *iv, const void *associated, size_t associated_count,
                         const void *input, void *output, size_t count, uint8_t *tag) {
    (void)key, (void)iv, (void)associated, (void)associated_count, (void)input, (void)output, (void)count, (void)tag;
}
int martlet_mb_gcm_open(const void *key, const uint8_t *iv, const void *associated, size_t associated_count,
                        void *data, size_t count, const uint8_t *tag) {
    (void)key, (void)iv, (void)associated, (void)associated_count, (void)data, (void)count, (void)tag;
    return 0;
}

#endif
