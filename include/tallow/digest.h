/*
 * SHA-256 digests (FIPS 180-4), by OpenSSL's libcrypto, which is looked for at run time: libcrypto.so.3, else
 * libcrypto.so.1.1, once in a process. What libcrypto allocates for itself counts against no budget.
 */
#ifndef TALLOW_DIGEST_H
#define TALLOW_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TLW_DIGEST_SIZE 32

typedef struct tlw_digest tlw_digest;

/*
 * Begins a digest of no bytes. On success *digest must be given to tlw_digest_close; on failure it is NULL.
 * TLW_ERR_ARGUMENT; TLW_ERR_MEMORY; TLW_ERR_UNAVAILABLE: there is no libcrypto of OpenSSL 1.1 or 3, or it refuses to
 * make a SHA-256.
 * Thread-safety: any thread; one thread at a time on a digest.
 */
TLW_API tlw_status tlw_digest_open(tlw_digest **digest, tlw_error *error);

/* Adds size bytes. digest must not be NULL; bytes may be if size is 0. Thread-safety: as above. */
TLW_API void tlw_digest_add(tlw_digest *digest, const void *bytes, size_t size);

/*
 * Writes the SHA-256 of all bytes since it was opened or ended last, and begins again with none. Thread-safety: as
 * above. TLW_ERR_ARGUMENT: digest or out is NULL; TLW_ERR_INTERNAL: libcrypto refused one of the calls since then;
 * out is then all zeros.
 */
TLW_API tlw_status tlw_digest_end(tlw_digest *digest, uint8_t out[TLW_DIGEST_SIZE], tlw_error *error);

/* Frees it and sets *digest to NULL. NULL, or the address of it, is fine. Thread-safety: as above. */
TLW_API void tlw_digest_close(tlw_digest **digest);

#ifdef __cplusplus
}
#endif

#endif
