/* SHA-256 after FIPS 180-4, section 6.2, made to be read and not to be fast: what digests are held against. */
#ifndef TALLOW_TESTS_SHA256_H
#define TALLOW_TESTS_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

typedef struct sha256 {
  uint32_t state[8];
  uint8_t block[64];
  uint64_t size; /* of all bytes so far */
} sha256;

void sha256_begin(sha256 *s);
void sha256_add(sha256 *s, const void *bytes, size_t size);
void sha256_end(sha256 *s, uint8_t out[SHA256_SIZE]);

/* Of all bytes at once. */
void sha256_of(const void *bytes, size_t size, uint8_t out[SHA256_SIZE]);

#endif
