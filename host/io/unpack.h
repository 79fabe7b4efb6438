/* Packed files: one struct tlw_unpacker for each format. The error that a function takes must not be NULL. */
#ifndef TALLOW_IO_UNPACK_H
#define TALLOW_IO_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "feed.h"
#include "host/base/heap.h"
#include "tallow/csv.h"

#define TLW_UNPACK_MAGIC 10 /* first bytes of a file that tell how it is packed */

struct tlw_unpacker {
  tlw_packing packing;
  /* size: TLW_UNPACK_MAGIC, or less if the file is shorter. */
  bool (*is_packed)(const unsigned char *head, size_t size);
  /* On failure *state is NULL. TLW_ERR_MEMORY; TLW_ERR_BUDGET; TLW_ERR_UNAVAILABLE: a library is missing. */
  tlw_status (*begin)(struct tlw_feed *feed, struct tlw_memory *memory, void **state, tlw_error *error);
  /* Unpacks 1 to capacity bytes, *size of them; none at the end. Not called again after a failure. */
  tlw_status (*read)(void *state, char *buffer, size_t capacity, size_t *size, tlw_error *error);
  void (*end)(void *state);
};

extern const struct tlw_unpacker tlw_unpack_gzip, tlw_unpack_zip, tlw_unpack_zstd;

/* The format whose magic these are, or NULL. */
const struct tlw_unpacker *tlw_unpack_find(const unsigned char *head, size_t size);

/* TLW_ERR_DATA: these are the first bytes of a well-known kind of file that is not read here. */
tlw_status tlw_unpack_check_foreign(const struct tlw_feed *feed, tlw_error *error);

/* TLW_ERR_DATA: the file ends within what is packed; format names it. */
tlw_status tlw_unpack_fail_cut(const struct tlw_feed *feed, const char *format, tlw_error *error);

/* TLW_ERR_DATA: what is packed can't be right. */
tlw_status tlw_unpack_fail_damaged(const struct tlw_feed *feed, const char *format, const char *reason,
                                   tlw_error *error);

/* A library said that it got no memory. */
tlw_status tlw_unpack_fail_memory(const struct tlw_room *room, tlw_error *error);

#endif
