#include "digest.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/base/error.h"
#include "host/base/heap.h"
#include "host/base/library.h"

#define REASON_SIZE 256

/* Functions of libcrypto by the names below. Those that return int return 1 if all went well. */
struct crypto {
  void *(*context_new)(void);
  void (*context_free)(void *context);
  const void *(*sha256)(void);
  int (*init)(void *context, const void *algorithm, void *engine);
  int (*update)(void *context, const void *bytes, size_t size);
  int (*final)(void *context, unsigned char *out, unsigned int *size);
};

static const char *const names[] = {"EVP_MD_CTX_new",    "EVP_MD_CTX_free",  "EVP_sha256",
                                    "EVP_DigestInit_ex", "EVP_DigestUpdate", "EVP_DigestFinal_ex"};

_Static_assert(sizeof(struct crypto) == sizeof names / sizeof names[0] * sizeof(void *), "a name for each function");

/* Written once, by load. */
static struct crypto crypto;
static bool is_loaded;
static char reason[REASON_SIZE];

struct tlw_digest {
  struct tlw_memory *memory; /* or NULL */
  void *context;
  bool failed; /* a call since it was opened or ended last */
};

static bool load_one(const char *file, const char *what) {
  return tlw_library_load(file, what, names, sizeof names / sizeof names[0], &crypto, reason, sizeof reason);
}

/* The reason that stays is that of the newer one. */
static void load(void) {
  is_loaded = load_one("libcrypto.so.3", "libcrypto of OpenSSL 3");
  if (is_loaded) return;
  char newer[REASON_SIZE];
  memcpy(newer, reason, sizeof newer);
  is_loaded = load_one("libcrypto.so.1.1", "libcrypto of OpenSSL 1.1");
  memcpy(reason, newer, sizeof reason);
}

static bool is_available(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return is_loaded;
}

static void begin(tlw_digest *digest) { digest->failed = crypto.init(digest->context, crypto.sha256(), NULL) != 1; }

/* Makes the context of a digest that has none. */
static tlw_status begin_first(tlw_digest *digest, tlw_error *error) {
  digest->context = crypto.context_new();
  if (!digest->context) return tlw_fail(error, TLW_ERR_MEMORY, "libcrypto has no memory for a SHA-256");
  begin(digest);
  if (!digest->failed) return TLW_OK;
  return tlw_fail(error, TLW_ERR_UNAVAILABLE,
                  "libcrypto refuses to begin a SHA-256: look whether OpenSSL's configuration (openssl.cnf) allows it");
}

uint64_t tlw_digest_bytes(void) { return tlw_memory_counted(sizeof(tlw_digest)); }

tlw_status tlw_digest_open_counted(tlw_digest **out, struct tlw_memory *memory, tlw_error *error) {
  *out = NULL;
  if (!is_available())
    return tlw_fail(error, TLW_ERR_UNAVAILABLE, "a SHA-256 needs OpenSSL 1.1 or 3: install it. %s", reason);
  tlw_error failure;
  tlw_digest *digest = tlw_heap_alloc(memory, sizeof *digest, "a digest", &failure);
  if (digest) {
    *digest = (tlw_digest){.memory = memory};
    if (begin_first(digest, &failure) == TLW_OK)
      *out = digest;
    else
      tlw_digest_close(&digest);
  }
  if (*out) return TLW_OK;
  if (error) *error = failure;
  return failure.code;
}

tlw_status tlw_digest_open(tlw_digest **digest, tlw_error *error) {
  if (!digest) return tlw_fail(error, TLW_ERR_ARGUMENT, "digest is NULL: pass the address of a tlw_digest pointer");
  return tlw_digest_open_counted(digest, NULL, error);
}

void tlw_digest_add(tlw_digest *digest, const void *bytes, size_t size) {
  if (size > 0 && !digest->failed) digest->failed = crypto.update(digest->context, bytes, size) != 1;
}

tlw_status tlw_digest_end(tlw_digest *digest, uint8_t out[TLW_DIGEST_SIZE], tlw_error *error) {
  if (!digest || !out) return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", digest ? "out" : "digest");
  unsigned int size = 0;
  const bool good = !digest->failed && crypto.final(digest->context, out, &size) == 1 && size == TLW_DIGEST_SIZE;
  begin(digest);
  if (good) return TLW_OK;
  memset(out, 0, TLW_DIGEST_SIZE);
  return tlw_fail(error, TLW_ERR_INTERNAL,
                  "libcrypto failed to make a SHA-256: try again, and look at OpenSSL's setup");
}

void tlw_digest_close(tlw_digest **address) {
  if (!address || !*address) return;
  tlw_digest *digest = *address;
  crypto.context_free(digest->context);
  tlw_heap_free(digest->memory, digest, sizeof *digest);
  *address = NULL;
}
