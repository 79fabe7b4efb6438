/* Deflated data, by zlib: what gzip and zip have in common. Errors that functions take must not be NULL. */
#ifndef TALLOW_IO_UNPACK_DEFLATE_H
#define TALLOW_IO_UNPACK_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "feed.h"
#include "host/base/heap.h"

struct tlw_deflated {
  struct tlw_feed *feed;
  const char *format; /* for messages */
  z_stream z;
  bool begun;
  struct tlw_room room;
};

/*
 * window_bits: as zlib's inflateInit2 has it. *deflated is all zero, stays where it is, and must be given to
 * tlw_deflated_end, also after a failure. TLW_ERR_MEMORY; TLW_ERR_BUDGET.
 */
tlw_status tlw_deflated_begin(struct tlw_deflated *deflated, const char *format, int window_bits, struct tlw_feed *feed,
                              struct tlw_memory *memory, tlw_error *error);
void tlw_deflated_end(struct tlw_deflated *deflated);

/* What follows in the feed is another stream. */
void tlw_deflated_restart(struct tlw_deflated *deflated);

/*
 * Unpacks up to capacity bytes, *size of them, from at most *limit bytes of the feed, which it counts down. *size is
 * 0 only at the stream's end, which is told by *ended. TLW_ERR_DATA; TLW_ERR_IO; TLW_ERR_MEMORY; TLW_ERR_BUDGET.
 */
tlw_status tlw_deflated_read(struct tlw_deflated *deflated, uint64_t *limit, char *buffer, size_t capacity,
                             size_t *size, bool *ended, tlw_error *error);

#endif
