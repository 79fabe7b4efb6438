/* Digests whose memory counts against a budget. */
#ifndef TALLOW_IO_DIGEST_H
#define TALLOW_IO_DIGEST_H

#include "host/base/memory.h"
#include "tallow/digest.h"

/* As tlw_digest_open, with memory, which may be NULL, for what is not libcrypto's own. Also TLW_ERR_BUDGET. */
tlw_status tlw_digest_open_counted(tlw_digest **digest, struct tlw_memory *memory, tlw_error *error);

/* What such a digest counts. */
uint64_t tlw_digest_bytes(void);

#endif
