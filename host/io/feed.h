/* The bytes of a file as they lie in it, with room to look ahead. Errors that functions take must not be NULL. */
#ifndef TALLOW_IO_FEED_H
#define TALLOW_IO_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tallow/status.h"
#include "text.h"

/* The most that can be looked ahead: more than a name or a field of a zip has. */
#define TLW_FEED_AHEAD 65536

struct tlw_feed {
  int fd;
  bool owns_fd;
  bool ended;                     /* the file has no more bytes behind those of ahead */
  uint64_t taken;                 /* bytes that were handed on */
  size_t begin, end;              /* of ahead: what was read and not taken */
  char name[TLW_SHOWN_PATH_SIZE]; /* what messages call it */
  unsigned char ahead[TLW_FEED_AHEAD];
};

/*
 * Opens path, or standard input for "-". *feed is all zero and must be given to tlw_feed_close, also after a failure.
 * TLW_ERR_NOT_FOUND: it is missing, a folder or may not be read; TLW_ERR_IO; TLW_ERR_MEMORY.
 */
tlw_status tlw_feed_open(struct tlw_feed *feed, const char *path, tlw_error *error);

/* Closes the file, but not standard input itself. */
void tlw_feed_close(struct tlw_feed *feed);

/* Takes 1 to capacity bytes, *size of them; none at the end. TLW_ERR_IO. */
tlw_status tlw_feed_read(struct tlw_feed *feed, void *buffer, size_t capacity, size_t *size, tlw_error *error);

/* Looks ahead by size bytes, TLW_FEED_AHEAD at most: fewer are left only at the end of the file. TLW_ERR_IO. */
tlw_status tlw_feed_peek(struct tlw_feed *feed, size_t size, tlw_error *error);

/* Takes bytes that were looked at. */
void tlw_feed_take(struct tlw_feed *feed, size_t size);

/* Takes bytes that nobody wants, *passed of them: fewer than size only at the end of the file. TLW_ERR_IO. */
tlw_status tlw_feed_pass(struct tlw_feed *feed, uint64_t size, uint64_t *passed, tlw_error *error);

/* Takes the zeros that come next. TLW_ERR_IO. */
tlw_status tlw_feed_pass_zeros(struct tlw_feed *feed, tlw_error *error);

/* What was looked at and not taken. */
static inline const unsigned char *tlw_feed_bytes(const struct tlw_feed *feed) { return feed->ahead + feed->begin; }
static inline size_t tlw_feed_left(const struct tlw_feed *feed) { return feed->end - feed->begin; }

#endif
