/*
 * In place of libcrypto: SHA-256, of which a call can be made to fail. TALLOW_FAKE_CRYPTO=FUNCTION:N names it: new,
 * init, update or final, the Nth from 1, counted over all digests. Compiled with TOO_OLD it has none of these functions.
 */
#ifndef TOO_OLD

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"

void *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(void *context);
const void *EVP_sha256(void);
int EVP_DigestInit_ex(void *context, const void *algorithm, void *engine);
int EVP_DigestUpdate(void *context, const void *bytes, size_t size);
int EVP_DigestFinal_ex(void *context, unsigned char *out, unsigned int *size);

enum function { NEW, INIT, UPDATE, FINAL, FUNCTIONS };

static bool fails(enum function function) {
  static const char *const names[FUNCTIONS] = {"new", "init", "update", "final"};
  static _Atomic long calls[FUNCTIONS];
  const char *wanted = getenv("TALLOW_FAKE_CRYPTO");
  char text[40];
  snprintf(text, sizeof text, "%s:%ld", names[function], ++calls[function]);
  return wanted != NULL && strcmp(text, wanted) == 0;
}

void *EVP_MD_CTX_new(void) { return fails(NEW) ? NULL : malloc(sizeof(sha256)); }

void EVP_MD_CTX_free(void *context) { free(context); }

const void *EVP_sha256(void) { return "SHA-256"; }

int EVP_DigestInit_ex(void *context, const void *algorithm, void *engine) {
  if (fails(INIT) || algorithm == NULL || engine != NULL) return 0;
  sha256_begin(context);
  return 1;
}

int EVP_DigestUpdate(void *context, const void *bytes, size_t size) {
  if (fails(UPDATE)) return 0;
  sha256_add(context, bytes, size);
  return 1;
}

int EVP_DigestFinal_ex(void *context, unsigned char *out, unsigned int *size) {
  memset(out, 0x5A, SHA256_SIZE); /* what a failure leaves */
  if (fails(FINAL)) return 0;
  sha256_end(context, out);
  *size = SHA256_SIZE;
  return 1;
}

#else

int fakecrypto_is_too_old(void);
int fakecrypto_is_too_old(void) { return 1; }

#endif
